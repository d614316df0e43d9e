#include "addon.h"

#include <limits.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

// Messages per sendmmsg: the cost of the call is spread thin, and the stack stays small.
enum { CHUNK = 128 };
enum { IP_HEADER = 20, IP_SOURCE = 12, UDP_HEADER = 8 };

static bool refuse(napi_env env, const char *text) {
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", text);
  return false;
}

static bool inside(napi_env env, uint32_t index, const char *part, uint32_t at, uint32_t length,
                   size_t arena) {
  if ((uint64_t)at + length <= arena) return true;
  char text[160];
  snprintf(text, sizeof text, "entry %u: %s of %u octets at %u is outside the arena of %zu", index,
           part, length, at, arena);
  return refuse(env, text);
}

static bool between(napi_env env, uint32_t index, const char *word, uint32_t value, uint32_t least,
                    uint32_t most) {
  if (value >= least && value <= most) return true;
  char text[160];
  snprintf(text, sizeof text, "entry %u: %s must be %u to %u, not %u", index, word, least, most,
           value);
  return refuse(env, text);
}

// The UDP header lies in the head, and an even number of octets before the body.
static bool summable(napi_env env, uint32_t index, uint32_t start, uint32_t head_length) {
  if (start == 0) return true;
  if (start <= head_length && head_length - start >= UDP_HEADER && (head_length - start) % 2 == 0) {
    return true;
  }
  char text[160];
  snprintf(text, sizeof text, "entry %u: CHECKSUM_START %u leaves no UDP header in a head of %u",
           index, start, head_length);
  return refuse(env, text);
}

static bool acceptable(napi_env env, enum handle_kind kind, size_t arena, const uint32_t *word,
                       uint32_t index) {
  if (!inside(env, index, "head", word[ENTRY_HEAD_AT], word[ENTRY_HEAD_LENGTH], arena) ||
      !inside(env, index, "body", word[ENTRY_BODY_AT], word[ENTRY_BODY_LENGTH], arena) ||
      !summable(env, index, word[ENTRY_CHECKSUM_START], word[ENTRY_HEAD_LENGTH])) {
    return false;
  }
  if (kind == RAW_IP_SOCKET) {
    return between(env, index, "HEAD_LENGTH", word[ENTRY_HEAD_LENGTH], IP_HEADER, UINT16_MAX);
  }
  return between(env, index, "IFINDEX", word[ENTRY_IFINDEX], 1, INT_MAX) &&
         between(env, index, "PROTOCOL", word[ENTRY_PROTOCOL], 0, 0xffff) &&
         between(env, index, "HARDWARE_LENGTH", word[ENTRY_HARDWARE_LENGTH], 0,
                 HARDWARE_ADDRESS_MAX);
}

// One message on its way out, and all that its header points to.
struct departure {
  union {
    struct sockaddr_ll link;
    struct sockaddr_in internet;
  } to;
  struct iovec parts[2];
  union {
    struct cmsghdr header;
    char octets[CMSG_SPACE(sizeof(struct in_pktinfo))];
  } control;
};

static void fill_parts(struct departure *departure, struct msghdr *message, uint8_t *arena,
                       const uint32_t *word, uint32_t skip) {
  uint32_t start = word[ENTRY_CHECKSUM_START];
  if (start != 0) {
    complete_checksum(arena + word[ENTRY_HEAD_AT] + start, word[ENTRY_HEAD_LENGTH] - start,
                      arena + word[ENTRY_BODY_AT], word[ENTRY_BODY_LENGTH]);
  }
  uint8_t *head = arena + word[ENTRY_HEAD_AT] + skip, *body = arena + word[ENTRY_BODY_AT];
  size_t head_length = word[ENTRY_HEAD_LENGTH] - skip, body_length = word[ENTRY_BODY_LENGTH];
  departure->parts[0] = (struct iovec){head, head_length};
  departure->parts[1] = (struct iovec){body, body_length};
  *message = (struct msghdr){.msg_iov = departure->parts, .msg_iovlen = 2};
  if (head + head_length != body) return;
  // The kernel has less to do with one part than with two.
  departure->parts[0].iov_len += body_length;
  message->msg_iovlen = 1;
}

static void fill_packet(struct departure *departure, struct msghdr *message, uint8_t *arena,
                        const uint32_t *word) {
  fill_parts(departure, message, arena, word, 0);
  struct sockaddr_ll *to = &departure->to.link;
  *to = (struct sockaddr_ll){
      .sll_family = AF_PACKET,
      .sll_protocol = htons((uint16_t)word[ENTRY_PROTOCOL]),
      .sll_ifindex = (int)word[ENTRY_IFINDEX],
      .sll_halen = (unsigned char)word[ENTRY_HARDWARE_LENGTH],
  };
  uint32_t halves[2] = {htonl(word[ENTRY_HARDWARE_HIGH]), htonl(word[ENTRY_HARDWARE_LOW])};
  memcpy(to->sll_addr, halves, sizeof halves);
  message->msg_name = to;
  message->msg_namelen = sizeof *to;
}

// The kernel writes the IP header anew, with the source that ours has.
static void fill_routed(struct departure *departure, struct msghdr *message, uint8_t *arena,
                        const uint32_t *word) {
  fill_parts(departure, message, arena, word, IP_HEADER);
  struct sockaddr_in *to = &departure->to.internet;
  *to = (struct sockaddr_in){.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(word[ENTRY_DESTINATION])};
  struct in_pktinfo source = {0};
  memcpy(&source.ipi_spec_dst, arena + word[ENTRY_HEAD_AT] + IP_SOURCE, sizeof source.ipi_spec_dst);
  departure->control.header = (struct cmsghdr){
      .cmsg_len = CMSG_LEN(sizeof source), .cmsg_level = SOL_IP, .cmsg_type = IP_PKTINFO};
  memcpy(CMSG_DATA(&departure->control.header), &source, sizeof source);
  message->msg_name = to;
  message->msg_namelen = sizeof *to;
  message->msg_control = &departure->control;
  message->msg_controllen = sizeof departure->control;
}

static void set_error(uint32_t *entry, uint32_t count, uint32_t error) {
  for (uint32_t i = 0; i < count; i++) entry[(size_t)i * ENTRY_WORDS + ENTRY_ERROR] = error;
}

// Sends up to CHUNK messages, stepping over those that fail. Returns how many failed.
static uint32_t send_all(int fd, struct mmsghdr *messages, uint32_t *entry, uint32_t count) {
  uint32_t failures = 0;
  for (uint32_t done = 0; done < count;) {
    int sent = sendmmsg(fd, messages + done, count - done, MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent > 0) {
      set_error(entry + (size_t)done * ENTRY_WORDS, (uint32_t)sent, 0);
      done += (uint32_t)sent;
      continue;
    }
    uint32_t error = (uint32_t)errno;
    // EAGAIN is about the socket, whose send buffer is full, and not about this entry: asking for
    // each of the rest in turn would only cost a system call each.
    uint32_t skipped = error == EAGAIN ? count - done : 1;
    set_error(entry + (size_t)done * ENTRY_WORDS, skipped, error);
    done += skipped;
    failures += skipped;
  }
  return failures;
}

napi_value send_entries(napi_env env, enum handle_kind kind, int fd, const struct bytes *arena,
                        const struct words *entries, uint32_t count) {
  if ((size_t)count * ENTRY_WORDS > entries->length) {
    refuse(env, "count is more than entries holds at ENTRY.WORDS words each");
    return NULL;
  }
  // Every entry is looked at before the first is sent, so that misuse sends nothing.
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t *word = entries->at + (size_t)i * ENTRY_WORDS;
    if (!acceptable(env, kind, arena->length, word, i)) return NULL;
  }

  struct mmsghdr messages[CHUNK];
  struct departure departures[CHUNK];
  uint32_t failures = 0;
  for (uint32_t first = 0; first < count; first += CHUNK) {
    uint32_t chunk = count - first < CHUNK ? count - first : CHUNK;
    uint32_t *entry = entries->at + (size_t)first * ENTRY_WORDS;
    for (uint32_t i = 0; i < chunk; i++) {
      const uint32_t *word = entry + (size_t)i * ENTRY_WORDS;
      struct msghdr *message = &messages[i].msg_hdr;
      if (kind == RAW_IP_SOCKET) {
        fill_routed(&departures[i], message, arena->at, word);
      } else {
        fill_packet(&departures[i], message, arena->at, word);
      }
    }
    failures += send_all(fd, messages, entry, chunk);
  }

  napi_value result;
  return napi_create_uint32(env, failures, &result) == napi_ok ? result : throw_napi(env);
}

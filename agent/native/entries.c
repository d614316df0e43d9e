#include "addon.h"

#include <limits.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

// Messages per sendmmsg: the cost of the call is spread thin, and the stack stays small.
enum { CHUNK = 128 };

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

static bool acceptable(napi_env env, enum handle_kind kind, size_t arena, const uint32_t *word,
                       uint32_t index) {
  return inside(env, index, "head", word[ENTRY_HEAD_AT], word[ENTRY_HEAD_LENGTH], arena) &&
         inside(env, index, "body", word[ENTRY_BODY_AT], word[ENTRY_BODY_LENGTH], arena) &&
         (kind != PACKET_SOCKET ||
          (between(env, index, "IFINDEX", word[ENTRY_IFINDEX], 1, INT_MAX) &&
           between(env, index, "PROTOCOL", word[ENTRY_PROTOCOL], 0, 0xffff) &&
           between(env, index, "HARDWARE_LENGTH", word[ENTRY_HARDWARE_LENGTH], 0,
                   HARDWARE_ADDRESS_MAX)));
}

union destination {
  struct sockaddr_ll link;
  struct sockaddr_in internet;
};

static socklen_t address(enum handle_kind kind, const uint32_t *word, union destination *to) {
  if (kind == RAW_IP_SOCKET) {
    to->internet = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(word[ENTRY_DESTINATION]),
    };
    return sizeof to->internet;
  }
  to->link = (struct sockaddr_ll){
      .sll_family = AF_PACKET,
      .sll_protocol = htons((uint16_t)word[ENTRY_PROTOCOL]),
      .sll_ifindex = (int)word[ENTRY_IFINDEX],
      .sll_halen = (unsigned char)word[ENTRY_HARDWARE_LENGTH],
  };
  uint32_t halves[2] = {htonl(word[ENTRY_HARDWARE_HIGH]), htonl(word[ENTRY_HARDWARE_LOW])};
  memcpy(to->link.sll_addr, halves, sizeof halves);
  return sizeof to->link;
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

napi_value send_entries(napi_env env, const struct handle *handle, const struct bytes *arena,
                        const struct words *entries, uint32_t count) {
  if ((size_t)count * ENTRY_WORDS > entries->length) {
    refuse(env, "count is more than entries holds at ENTRY.WORDS words each");
    return NULL;
  }
  // Every entry is looked at before the first is sent, so that misuse sends nothing.
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t *word = entries->at + (size_t)i * ENTRY_WORDS;
    if (!acceptable(env, handle->kind, arena->length, word, i)) return NULL;
  }

  struct mmsghdr messages[CHUNK];
  struct iovec parts[CHUNK][2];
  union destination to[CHUNK];
  uint32_t failures = 0;
  for (uint32_t first = 0; first < count; first += CHUNK) {
    uint32_t chunk = count - first < CHUNK ? count - first : CHUNK;
    uint32_t *entry = entries->at + (size_t)first * ENTRY_WORDS;
    for (uint32_t i = 0; i < chunk; i++) {
      const uint32_t *word = entry + (size_t)i * ENTRY_WORDS;
      parts[i][0] = (struct iovec){arena->at + word[ENTRY_HEAD_AT], word[ENTRY_HEAD_LENGTH]};
      parts[i][1] = (struct iovec){arena->at + word[ENTRY_BODY_AT], word[ENTRY_BODY_LENGTH]};
      messages[i].msg_hdr = (struct msghdr){
          .msg_name = &to[i],
          .msg_namelen = address(handle->kind, word, &to[i]),
          .msg_iov = parts[i],
          .msg_iovlen = 2,
      };
    }
    failures += send_all(handle->fd, messages, entry, chunk);
  }

  napi_value result;
  return napi_create_uint32(env, failures, &result) == napi_ok ? result : throw_napi(env);
}

#include "addon.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <limits.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  SLOTS_MAX = 1024,  // recvmmsg takes no more in one call (UIO_MAXIOV)
  SLOT_OCTETS_MAX = 1 << 17,
  FILTER_INSTRUCTIONS_MAX = BPF_MAXINSNS,
  // Batches per wake-up: enough to use the wake-up well, few enough that timers and other sockets
  // get their turn under a flood.
  BATCHES_PER_WAKE = 4,
};
static const uint32_t NO_VLAN = UINT32_MAX;

// What the kernel fills in besides the packet.
struct arrival {
  struct sockaddr_ll from;
  union {
    struct cmsghdr header;
    char octets[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
  } control;
};

struct packet_socket {
  struct handle handle;  // first: a pointer to one is a pointer to the other
  uint32_t slots, slot_octets, headroom;
  napi_ref ring, meta;
  double received, dropped;
  struct mmsghdr *messages;
  struct iovec *parts;
  struct arrival *arrivals;
};

// --- receiving ------------------------------------------------------------------------------------

static void describe(uint32_t *slot, const struct arrival *arrival, const struct msghdr *message) {
  const struct sockaddr_ll *from = &arrival->from;
  uint8_t octets[HARDWARE_ADDRESS_MAX] = {0};
  uint32_t length =
      from->sll_halen < HARDWARE_ADDRESS_MAX ? from->sll_halen : HARDWARE_ADDRESS_MAX;
  memcpy(octets, from->sll_addr, length);
  slot[SLOT_IFINDEX] = (uint32_t)from->sll_ifindex;
  slot[SLOT_PACKET_TYPE] = from->sll_pkttype;
  slot[SLOT_PROTOCOL] = ntohs(from->sll_protocol);
  slot[SLOT_HARDWARE_TYPE] = from->sll_hatype;
  slot[SLOT_HARDWARE_LENGTH] = length;
  uint32_t high, low;
  memcpy(&high, octets, sizeof high);
  memcpy(&low, octets + sizeof high, sizeof low);
  slot[SLOT_HARDWARE_HIGH] = ntohl(high);
  slot[SLOT_HARDWARE_LOW] = ntohl(low);

  slot[SLOT_STATUS] = 0;
  slot[SLOT_VLAN] = NO_VLAN;
  const struct cmsghdr *control = &arrival->control.header;
  if (message->msg_controllen < CMSG_LEN(sizeof(struct tpacket_auxdata)) ||
      control->cmsg_level != SOL_PACKET || control->cmsg_type != PACKET_AUXDATA) {
    return;
  }
  struct tpacket_auxdata extra;
  memcpy(&extra, CMSG_DATA(control), sizeof extra);
  if (extra.tp_status & TP_STATUS_CSUMNOTREADY) slot[SLOT_STATUS] |= STATUS_CHECKSUM_NOT_READY;
  if (extra.tp_status & TP_STATUS_CSUM_VALID) slot[SLOT_STATUS] |= STATUS_CHECKSUM_VALID;
  if (extra.tp_status & TP_STATUS_VLAN_VALID) slot[SLOT_VLAN] = extra.tp_vlan_tci;
}

static void prepare(struct packet_socket *socket, uint32_t index) {
  struct msghdr *message = &socket->messages[index].msg_hdr;
  message->msg_namelen = sizeof socket->arrivals[index].from;
  message->msg_controllen = sizeof socket->arrivals[index].control;
}

// Receives one batch into the slots. Returns how many, or minus an errno.
static int receive(struct packet_socket *socket, uint8_t *ring, uint32_t *meta) {
  for (uint32_t i = 0; i < socket->slots; i++) {
    socket->parts[i].iov_base = ring + (size_t)i * socket->slot_octets + socket->headroom;
  }
  // MSG_TRUNC: msg_len is the packet's length even where the slot is too small for it.
  int count = recvmmsg(socket->handle.fd, socket->messages, socket->slots,
                       MSG_DONTWAIT | MSG_TRUNC, NULL);
  if (count < 0) return -errno;
  uint32_t room = socket->slot_octets - socket->headroom;
  for (uint32_t i = 0; i < (uint32_t)count; i++) {
    uint32_t *slot = meta + (size_t)i * SLOT_WORDS;
    uint32_t length = socket->messages[i].msg_len;
    slot[SLOT_START] = i * socket->slot_octets + socket->headroom;
    slot[SLOT_LENGTH] = length < room ? length : room;
    slot[SLOT_ORIGINAL_LENGTH] = length;
    describe(slot, &socket->arrivals[i], &socket->messages[i].msg_hdr);
    prepare(socket, i);
  }
  return count;
}

// The ring and its metadata, if JavaScript has not detached them meanwhile.
static bool read_memory(struct packet_socket *socket, struct bytes *ring, struct words *meta) {
  napi_env env = socket->handle.env;
  napi_value ring_value, meta_value;
  if (napi_get_reference_value(env, socket->ring, &ring_value) != napi_ok ||
      napi_get_reference_value(env, socket->meta, &meta_value) != napi_ok ||
      !read_bytes(env, ring_value, "ring", ring) ||
      !read_words(env, meta_value, "slotMeta", meta)) {
    return false;
  }
  if (ring->length >= (size_t)socket->slots * socket->slot_octets &&
      meta->length >= (size_t)socket->slots * SLOT_WORDS) {
    return true;
  }
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE",
                         "ring or slotMeta is smaller than slots and slotBytes say, or detached");
  return false;
}

static void report(struct handle *handle, int count) {
  napi_value argument;
  if (napi_create_int32(handle->env, count, &argument) == napi_ok) call_back(handle, argument);
}

static void on_failure(struct handle *handle, int error) {
  report(handle, -error);
}

static void on_readable(struct handle *handle) {
  struct packet_socket *socket = (struct packet_socket *)handle;
  for (int batch = 0; batch < BATCHES_PER_WAKE && handle->fd >= 0; batch++) {
    struct bytes ring;
    struct words meta;
    if (!read_memory(socket, &ring, &meta)) {
      napi_value error;
      close_handle(handle);
      if (napi_get_and_clear_last_exception(handle->env, &error) == napi_ok) {
        napi_fatal_exception(handle->env, error);
      }
      return;
    }
    int count = receive(socket, ring.at, meta.at);
    if (count == -EAGAIN || count == -EINTR || count == 0) return;
    report(handle, count);
    if (count < (int)socket->slots) return;  // drained: no need to ask once more
  }
}

// --- statistics -----------------------------------------------------------------------------------

// The kernel's counters start again at every reading.
static void add_statistics(struct packet_socket *socket) {
  struct tpacket_stats fresh;
  socklen_t size = sizeof fresh;
  if (socket->handle.fd < 0 ||
      getsockopt(socket->handle.fd, SOL_PACKET, PACKET_STATISTICS, &fresh, &size) < 0) {
    return;
  }
  socket->received += fresh.tp_packets - fresh.tp_drops;  // tp_packets counts the dropped too
  socket->dropped += fresh.tp_drops;
}

napi_value js_packet_statistics(napi_env env, napi_callback_info info) {
  napi_value handle_value, result, received, dropped;
  if (!read_arguments(env, info, 1, &handle_value)) return NULL;
  struct packet_socket *socket =
      (struct packet_socket *)read_handle(env, handle_value, PACKET_SOCKET);
  if (socket == NULL) return NULL;
  add_statistics(socket);
  if (napi_create_object(env, &result) != napi_ok ||
      napi_create_double(env, socket->received, &received) != napi_ok ||
      napi_create_double(env, socket->dropped, &dropped) != napi_ok ||
      napi_set_named_property(env, result, "received", received) != napi_ok ||
      napi_set_named_property(env, result, "dropped", dropped) != napi_ok) {
    return throw_napi(env);
  }
  return result;
}

// --- opening --------------------------------------------------------------------------------------

struct packet_options {
  char netns[PATH_TEXT];
  uint32_t ifindex, protocol, receive_buffer, slots, slot_octets, headroom;
  bool cooked;
  struct bytes filter;
  napi_value ring, meta, on_batch;
};

static bool read_numbers(napi_env env, napi_value object, struct packet_options *options) {
  const struct {
    const char *name;
    uint32_t least, most, *result;
  } fields[] = {
      {"ifindex", 0, INT_MAX, &options->ifindex},
      {"protocol", 0, 0xffff, &options->protocol},
      {"receiveBufferBytes", 0, INT_MAX, &options->receive_buffer},
      {"slots", 1, SLOTS_MAX, &options->slots},
      {"slotBytes", 1, SLOT_OCTETS_MAX, &options->slot_octets},
      {"headroom", 0, SLOT_OCTETS_MAX, &options->headroom},
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    napi_value value;
    if (!read_property(env, object, fields[i].name, &value) ||
        !read_uint32(env, value, fields[i].name, fields[i].least, fields[i].most,
                     fields[i].result)) {
      return false;
    }
  }
  if (options->headroom < options->slot_octets) return true;
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "headroom must be less than slotBytes");
  return false;
}

static bool read_options(napi_env env, napi_value object, struct packet_options *options) {
  napi_value netns, cooked, filter;
  if (!read_numbers(env, object, options) || !read_property(env, object, "netns", &netns) ||
      !read_property(env, object, "cooked", &cooked) ||
      !read_property(env, object, "filter", &filter) ||
      !read_property(env, object, "ring", &options->ring) ||
      !read_property(env, object, "slotMeta", &options->meta) ||
      !read_property(env, object, "onBatch", &options->on_batch)) {
    return false;
  }
  // All properties are fetched, so no getter can run any more and pull memory from under us.
  struct bytes ring;
  struct words meta;
  if (!read_text(env, netns, "netns", options->netns, sizeof options->netns) ||
      !read_boolean(env, cooked, "cooked", &options->cooked) ||
      !read_function(env, options->on_batch, "onBatch") ||
      !read_bytes(env, options->ring, "ring", &ring) ||
      !read_words(env, options->meta, "slotMeta", &meta) ||
      !read_bytes(env, filter, "filter", &options->filter)) {
    return false;
  }
  const size_t instruction = sizeof(struct sock_filter);
  const char *wrong = NULL;
  if (ring.length < (size_t)options->slots * options->slot_octets) {
    wrong = "ring must hold slots times slotBytes octets";
  } else if (meta.length < (size_t)options->slots * SLOT_WORDS) {
    wrong = "slotMeta must hold SLOT.WORDS words for each slot";
  } else if (options->filter.length == 0 || options->filter.length % instruction != 0 ||
             options->filter.length / instruction > FILTER_INSTRUCTIONS_MAX) {
    wrong = "filter must be 1 to 4096 instructions of 8 octets";
  }
  if (wrong == NULL) return true;
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", wrong);
  return false;
}

// The order matters: with protocol 0 nothing arrives, so everything is in place before the first
// packet does; and a socket created with a protocol would wait for synchronize_net in bind.
static int open_configured(const struct packet_options *options, struct failure *failure) {
  int fd = open_socket(options->netns, AF_PACKET, options->cooked ? SOCK_DGRAM : SOCK_RAW, 0,
                       failure);
  if (fd < 0) return -1;
  int on = 1;
  struct sockaddr_ll local = {.sll_family = AF_PACKET,
                              .sll_protocol = htons((uint16_t)options->protocol),
                              .sll_ifindex = (int)options->ifindex};
  if (attach_filter(fd, &options->filter, failure) == 0 &&
      grow_receive_buffer(fd, options->receive_buffer, failure) == 0) {
    if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) < 0) {
      failed(failure, NULL, "ask for auxiliary data of packets");
    } else if (bind(fd, (struct sockaddr *)&local, sizeof local) < 0) {
      const char *remedy = errno == ENODEV ? "no such interface in this network namespace" : NULL;
      failed(failure, remedy, "bind packet socket on ifindex %u", options->ifindex);
    } else {
      return fd;
    }
  }
  close(fd);
  return -1;
}

static void before_close(struct handle *handle) {
  struct packet_socket *socket = (struct packet_socket *)handle;
  add_statistics(socket);
  if (socket->ring != NULL) napi_delete_reference(handle->env, socket->ring);
  if (socket->meta != NULL) napi_delete_reference(handle->env, socket->meta);
}

// One allocation: the socket, then its messages, parts and arrivals.
static struct packet_socket *allocate(const struct packet_options *options) {
  size_t slots = options->slots;
  struct packet_socket *socket =
      calloc(1, sizeof *socket + slots * (sizeof *socket->messages + sizeof *socket->parts +
                                          sizeof *socket->arrivals));
  if (socket == NULL) return NULL;
  socket->slots = options->slots;
  socket->slot_octets = options->slot_octets;
  socket->headroom = options->headroom;
  socket->messages = (struct mmsghdr *)(socket + 1);
  socket->parts = (struct iovec *)(socket->messages + slots);
  socket->arrivals = (struct arrival *)(socket->parts + slots);
  for (uint32_t i = 0; i < options->slots; i++) {
    struct msghdr *message = &socket->messages[i].msg_hdr;
    message->msg_name = &socket->arrivals[i].from;
    message->msg_control = &socket->arrivals[i].control;
    message->msg_iov = &socket->parts[i];
    message->msg_iovlen = 1;
    socket->parts[i].iov_len = options->slot_octets - options->headroom;
    prepare(socket, i);
  }
  return socket;
}

napi_value js_open_packet(napi_env env, napi_callback_info info) {
  napi_value object;
  struct packet_options options = {0};
  struct failure failure = {0};
  if (!read_arguments(env, info, 1, &object) || !read_options(env, object, &options)) return NULL;
  int fd = open_configured(&options, &failure);
  if (fd < 0) return throw_failure(env, &failure);
  struct packet_socket *socket = allocate(&options);
  if (socket == NULL) {
    failed(&failure, NULL, "allocate %u slots", options.slots);
    close(fd);
    return throw_failure(env, &failure);
  }
  socket->handle.kind = PACKET_SOCKET;
  socket->handle.fd = fd;
  socket->handle.env = env;
  socket->handle.on_readable = on_readable;
  socket->handle.on_failure = on_failure;
  socket->handle.before_close = before_close;
  if (napi_create_reference(env, options.ring, 1, &socket->ring) != napi_ok ||
      napi_create_reference(env, options.meta, 1, &socket->meta) != napi_ok) {
    throw_napi(env);
    before_close(&socket->handle);
    close(fd);
    free(socket);
    return NULL;
  }
  return watch_handle(env, &socket->handle, options.on_batch);
}

// --- sending --------------------------------------------------------------------------------------

napi_value js_send_packets(napi_env env, napi_callback_info info) {
  napi_value arguments[3], ring_value;
  struct words entries;
  struct bytes ring;
  uint32_t count;
  if (!read_arguments(env, info, 3, arguments)) return NULL;
  struct packet_socket *socket =
      (struct packet_socket *)read_handle(env, arguments[0], PACKET_SOCKET);
  if (socket == NULL || !read_words(env, arguments[1], "entries", &entries) ||
      !read_uint32(env, arguments[2], "count", 0, UINT32_MAX, &count)) {
    return NULL;
  }
  if (socket->handle.fd < 0) return throw_closed(env, "send on packet socket");
  if (napi_get_reference_value(env, socket->ring, &ring_value) != napi_ok) return throw_napi(env);
  if (!read_bytes(env, ring_value, "ring", &ring)) return NULL;
  return send_entries(env, &socket->handle, &ring, &entries, count);
}

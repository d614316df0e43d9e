#include "addon.h"

#include <limits.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// What arrives is put by the kernel into memory that it shares with us (PACKET_RX_RING, packet_mmap in
// the kernel's documentation): no system call and no second copy for a packet. Version 2, not 3, whose
// blocks are handed over by a timer. JavaScript sees the same memory, and sends from it:
//
//     | slot 0                          | slot 1 | …      | scratch | a batch's metadata |
//     | tpacket2_hdr, sockaddr_ll | headroom | packet … |
//
// A slot is the kernel's until it says TP_STATUS_USER, and again from our TP_STATUS_KERNEL on.

enum {
  SLOTS_MAX = 1 << 16,
  BATCH_MAX = 1024,
  SLOT_OCTETS_MAX = 1 << 17,
  SCRATCH_MAX = 1 << 28,
  FILTER_INSTRUCTIONS_MAX = BPF_MAXINSNS,
  // Batches per wake-up: enough to use the wake-up well, few enough that timers and other sockets
  // get their turn under a flood.
  BATCHES_PER_WAKE = 4,
};
static const uint32_t NO_VLAN = UINT32_MAX;

// What the socket and JavaScript share; it goes when both have let go.
struct memory {
  uint8_t *at;
  size_t ring, scratch, total;  // octets; the metadata follows the scratch area
  unsigned owners;
};

struct packet_socket {
  struct handle handle;  // first: a pointer to one is a pointer to the other
  // Another descriptor to send by: the event loop watches the first, and would be called for every packet
  // that has left it.
  int out;
  bool cooked;
  uint32_t slots, slot_octets, batch;
  uint32_t next;  // the slot that the kernel fills next, as far as we have seen
  struct memory *memory;
  double received, dropped;
};

// --- memory ---------------------------------------------------------------------------------------

static size_t in_pages(size_t octets) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  return (octets + page - 1) / page * page;
}

static uint32_t *metadata(const struct memory *memory) {
  return (uint32_t *)(void *)(memory->at + memory->ring + memory->scratch);
}

static void let_go_of_memory(struct memory *memory) {
  if (--memory->owners > 0) return;
  munmap(memory->at, memory->total);
  free(memory);
}

// Ordinary memory for all of it; the ring takes the place of its first part.
static struct memory *take_memory(size_t ring, size_t scratch, uint32_t batch,
                                  struct failure *failure) {
  struct memory *memory = calloc(1, sizeof *memory);
  if (memory == NULL) {
    failed(failure, NULL, "allocate a packet socket");
    return NULL;
  }
  memory->owners = 1;
  memory->ring = ring;
  memory->scratch = (scratch + 7) / 8 * 8;
  memory->total =
      in_pages(memory->ring + memory->scratch + (size_t)batch * SLOT_WORDS * sizeof(uint32_t));
  memory->at =
      mmap(NULL, memory->total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory->at != MAP_FAILED) return memory;
  failed(failure, NULL, "allocate %zu octets for packets", memory->total);
  free(memory);
  return NULL;
}

// --- receiving ------------------------------------------------------------------------------------

static uint8_t *slot_at(const struct packet_socket *socket, uint32_t index) {
  return socket->memory->at + (size_t)index * socket->slot_octets;
}

static uint32_t *status_of(uint8_t *slot) {
  return &((struct tpacket2_hdr *)(void *)slot)->tp_status;
}

static void describe(const struct packet_socket *socket, uint32_t index, uint32_t *words) {
  const uint8_t *slot = slot_at(socket, index);
  struct tpacket2_hdr header;
  struct sockaddr_ll from;
  memcpy(&header, slot, sizeof header);
  memcpy(&from, slot + TPACKET_ALIGN(sizeof header), sizeof from);
  words[SLOT_START] = index * socket->slot_octets + header.tp_mac;
  words[SLOT_LENGTH] = header.tp_snaplen;
  words[SLOT_ORIGINAL_LENGTH] = header.tp_len;
  words[SLOT_END] = (index + 1) * socket->slot_octets;

  uint8_t octets[HARDWARE_ADDRESS_MAX] = {0};
  uint32_t length = from.sll_halen < HARDWARE_ADDRESS_MAX ? from.sll_halen : HARDWARE_ADDRESS_MAX;
  memcpy(octets, from.sll_addr, length);
  words[SLOT_IFINDEX] = (uint32_t)from.sll_ifindex;
  words[SLOT_PACKET_TYPE] = from.sll_pkttype;
  words[SLOT_PROTOCOL] = ntohs(from.sll_protocol);
  words[SLOT_HARDWARE_TYPE] = from.sll_hatype;
  words[SLOT_HARDWARE_LENGTH] = length;
  uint32_t high, low;
  memcpy(&high, octets, sizeof high);
  memcpy(&low, octets + sizeof high, sizeof low);
  words[SLOT_HARDWARE_HIGH] = ntohl(high);
  words[SLOT_HARDWARE_LOW] = ntohl(low);

  uint32_t status = 0;
  if (header.tp_status & TP_STATUS_CSUMNOTREADY) status |= STATUS_CHECKSUM_NOT_READY;
  if (header.tp_status & TP_STATUS_CSUM_VALID ||
      (status == 0 && socket->cooked && from.sll_protocol == htons(ETH_P_IP) &&
       udp_checksum_holds(slot + header.tp_mac, header.tp_snaplen))) {
    status |= STATUS_CHECKSUM_VALID;
  }
  words[SLOT_STATUS] = status;
  words[SLOT_VLAN] = header.tp_status & TP_STATUS_VLAN_VALID ? header.tp_vlan_tci : NO_VLAN;
}

// Describes up to a batch of the packets that are there. Returns how many.
static uint32_t gather(const struct packet_socket *socket) {
  uint32_t *words = metadata(socket->memory), index = socket->next, count = 0;
  while (count < socket->batch) {
    uint32_t status = __atomic_load_n(status_of(slot_at(socket, index)), __ATOMIC_ACQUIRE);
    if (!(status & TP_STATUS_USER)) break;
    describe(socket, index, words + (size_t)count++ * SLOT_WORDS);
    if (++index == socket->slots) index = 0;
  }
  return count;
}

static void give_back(struct packet_socket *socket, uint32_t count) {
  for (; count > 0; count--) {
    __atomic_store_n(status_of(slot_at(socket, socket->next)), TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    if (++socket->next == socket->slots) socket->next = 0;
  }
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
  for (int batch = 0; batch < BATCHES_PER_WAKE; batch++) {
    uint32_t count = gather(socket);
    if (count == 0) return;
    report(handle, (int)count);
    if (handle->fd < 0) return;
    give_back(socket, count);
    // More may have come meanwhile, even if that was all: to look costs less than to go round the loop.
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

// What the kernel writes into a slot before headroom and packet, at most.
enum { TAKEN_MAX = TPACKET_ALIGN(TPACKET2_HDRLEN) + 32 };

struct packet_options {
  char netns[PATH_TEXT];
  uint32_t ifindex, protocol, slots, slot_octets, headroom, batch, scratch;
  bool cooked;
  struct bytes filter;
  napi_value on_batch;
};

static bool read_numbers(napi_env env, napi_value object, struct packet_options *options) {
  const struct {
    const char *name;
    uint32_t least, most, *result;
  } fields[] = {
      {"ifindex", 0, INT_MAX, &options->ifindex},
      {"protocol", 0, 0xffff, &options->protocol},
      {"slots", 1, SLOTS_MAX, &options->slots},
      {"slotBytes", 1, SLOT_OCTETS_MAX, &options->slot_octets},
      {"headroom", 0, SLOT_OCTETS_MAX, &options->headroom},
      {"batch", 1, BATCH_MAX, &options->batch},
      {"scratchBytes", 0, SCRATCH_MAX, &options->scratch},
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    napi_value value;
    if (!read_property(env, object, fields[i].name, &value) ||
        !read_uint32(env, value, fields[i].name, fields[i].least, fields[i].most,
                     fields[i].result)) {
      return false;
    }
  }
  const char *wrong = NULL;
  if ((options->slot_octets & (options->slot_octets - 1)) != 0) {
    wrong = "slotBytes must be a power of two";
  } else if (options->headroom + TAKEN_MAX >= options->slot_octets) {
    wrong = "headroom must leave room for a packet in slotBytes";
  }
  if (wrong == NULL) return true;
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", wrong);
  return false;
}

static bool read_options(napi_env env, napi_value object, struct packet_options *options) {
  napi_value netns, cooked, filter;
  if (!read_numbers(env, object, options) || !read_property(env, object, "netns", &netns) ||
      !read_property(env, object, "cooked", &cooked) ||
      !read_property(env, object, "filter", &filter) ||
      !read_property(env, object, "onBatch", &options->on_batch)) {
    return false;
  }
  // All properties are fetched, so no getter can run any more and pull memory from under us.
  if (!read_text(env, netns, "netns", options->netns, sizeof options->netns) ||
      !read_boolean(env, cooked, "cooked", &options->cooked) ||
      !read_function(env, options->on_batch, "onBatch") ||
      !read_bytes(env, filter, "filter", &options->filter)) {
    return false;
  }
  const size_t instruction = sizeof(struct sock_filter);
  if (options->filter.length > 0 && options->filter.length % instruction == 0 &&
      options->filter.length / instruction <= FILTER_INSTRUCTIONS_MAX) {
    return true;
  }
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE",
                         "filter must be 1 to 4096 instructions of 8 octets");
  return false;
}

static int set_up_ring(int fd, const struct packet_options *options, struct memory *memory,
                       struct failure *failure) {
  int version = TPACKET_V2;
  uint32_t block = (uint32_t)in_pages(options->slot_octets);
  struct tpacket_req ring = {
      .tp_block_size = block,
      .tp_block_nr = (uint32_t)(memory->ring / block),
      .tp_frame_size = options->slot_octets,
      .tp_frame_nr = (uint32_t)(memory->ring / options->slot_octets),
  };
  if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0 ||
      setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &options->headroom, sizeof options->headroom) < 0 ||
      setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring) < 0) {
    return failed(failure, NULL, "set up a ring of %u slots of %u octets", ring.tp_frame_nr,
                  ring.tp_frame_size);
  }
  if (mmap(memory->at, memory->ring, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
      MAP_FAILED) {
    return failed(failure, NULL, "map a ring of %zu octets", memory->ring);
  }
  return 0;
}

// A mapped ring keeps its socket open, whatever becomes of the descriptor. So ordinary memory takes its
// place, and JavaScript may still look.
static void take_ring_down(struct memory *memory) {
  if (mmap(memory->at, memory->ring, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
    napi_fatal_error("close", NAPI_AUTO_LENGTH, "cannot take down the ring of a packet socket",
                     NAPI_AUTO_LENGTH);
  }
}

static int open_one(const struct packet_options *options, struct failure *failure) {
  int type = options->cooked ? SOCK_DGRAM : SOCK_RAW;
  return open_socket(options->netns, AF_PACKET, type, 0, failure);
}

// The order matters: with protocol 0 nothing arrives, so everything is in place before the first
// packet does.
static int open_configured(const struct packet_options *options, struct memory *memory,
                           struct failure *failure) {
  int fd = open_one(options, failure);
  if (fd < 0) return -1;
  struct sockaddr_ll local = {.sll_family = AF_PACKET,
                              .sll_protocol = htons((uint16_t)options->protocol),
                              .sll_ifindex = (int)options->ifindex};
  if (attach_filter(fd, &options->filter, failure) == 0 &&
      set_up_ring(fd, options, memory, failure) == 0) {
    if (bind(fd, (struct sockaddr *)&local, sizeof local) == 0) return fd;
    const char *remedy = errno == ENODEV ? "no such interface in this network namespace" : NULL;
    failed(failure, remedy, "bind packet socket on ifindex %u", options->ifindex);
  }
  take_ring_down(memory);
  close(fd);
  return -1;
}

static void before_close(struct handle *handle) {
  struct packet_socket *socket = (struct packet_socket *)handle;
  add_statistics(socket);
  take_ring_down(socket->memory);
}

static void after_close(struct handle *handle) {
  close(((struct packet_socket *)handle)->out);
}

static void on_freed(struct handle *handle) {
  let_go_of_memory(((struct packet_socket *)handle)->memory);
}

static struct packet_socket *create(napi_env env, const struct packet_options *options,
                                    struct failure *failure) {
  struct packet_socket *socket = calloc(1, sizeof *socket);
  if (socket == NULL) {
    failed(failure, NULL, "allocate a packet socket");
    return NULL;
  }
  size_t ring = in_pages((size_t)options->slots * options->slot_octets);
  socket->memory = take_memory(ring, options->scratch, options->batch, failure);
  if (socket->memory != NULL) {
    socket->handle.fd = open_configured(options, socket->memory, failure);
    socket->out = socket->handle.fd < 0 ? -1 : open_one(options, failure);
    if (socket->out >= 0) {
      socket->cooked = options->cooked;
      socket->slots = (uint32_t)(ring / options->slot_octets);
      socket->slot_octets = options->slot_octets;
      socket->batch = options->batch;
      socket->handle.kind = PACKET_SOCKET;
      socket->handle.env = env;
      socket->handle.on_readable = on_readable;
      socket->handle.on_failure = on_failure;
      socket->handle.before_close = before_close;
      socket->handle.after_close = after_close;
      socket->handle.on_freed = on_freed;
      return socket;
    }
    if (socket->handle.fd >= 0) {
      take_ring_down(socket->memory);
      close(socket->handle.fd);
    }
    let_go_of_memory(socket->memory);
  }
  free(socket);
  return NULL;
}

static void on_memory_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  let_go_of_memory(hint);
}

// What JavaScript gets to see: memory: Buffer, and where in it scratch area and metadata begin.
static bool share(napi_env env, napi_value object, struct memory *memory) {
  napi_value buffer, number;
  memory->owners++;
  if (napi_create_external_buffer(env, memory->total, memory->at, on_memory_collected, memory,
                                  &buffer) != napi_ok) {
    memory->owners--;
    return false;
  }
  return napi_set_named_property(env, object, "memory", buffer) == napi_ok &&
         napi_create_double(env, (double)memory->ring, &number) == napi_ok &&
         napi_set_named_property(env, object, "scratchAt", number) == napi_ok &&
         napi_create_double(env, (double)(memory->ring + memory->scratch), &number) == napi_ok &&
         napi_set_named_property(env, object, "metaAt", number) == napi_ok;
}

napi_value js_open_packet(napi_env env, napi_callback_info info) {
  napi_value object;
  struct packet_options options = {0};
  struct failure failure = {0};
  if (!read_arguments(env, info, 1, &object) || !read_options(env, object, &options)) return NULL;
  struct packet_socket *socket = create(env, &options, &failure);
  if (socket == NULL) return throw_failure(env, &failure);
  struct memory *memory = socket->memory;
  napi_value result = watch_handle(env, &socket->handle, options.on_batch);
  if (result == NULL || share(env, result, memory)) return result;
  close_handle(&socket->handle);
  return throw_napi(env);
}

// --- sending --------------------------------------------------------------------------------------

napi_value js_send_packets(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  struct words entries;
  uint32_t count;
  if (!read_arguments(env, info, 3, arguments)) return NULL;
  struct packet_socket *socket =
      (struct packet_socket *)read_handle(env, arguments[0], PACKET_SOCKET);
  if (socket == NULL || !read_words(env, arguments[1], "entries", &entries) ||
      !read_uint32(env, arguments[2], "count", 0, UINT32_MAX, &count)) {
    return NULL;
  }
  if (socket->handle.fd < 0) return throw_closed(env, "send on packet socket");
  struct bytes arena = {socket->memory->at, socket->memory->ring + socket->memory->scratch};
  return send_entries(env, PACKET_SOCKET, socket->out, &arena, &entries, count);
}

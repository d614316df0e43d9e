#include "loadgen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

uint8_t wire_address[6];

static int fd;
static uint8_t out[BATCH][FRAME_MAX];
static struct iovec out_parts[BATCH];
static struct mmsghdr departures[BATCH];
static unsigned queued;
// What arrives lies in a ring that the kernel fills (PACKET_RX_RING): a generator must not be slower than
// what it measures. No larger than it needs to be: the processor that sends fills it, so that a ring which
// its cache does not hold would slow down what is measured.
enum { SLOTS = 2048, SLOT = FRAME_MAX, BLOCK = 1 << 16 };
static uint8_t *ring;
static unsigned next, taken;

void die(const char *what) {
  fprintf(stderr, "loadgen: %s: %s\n", what, strerror(errno));
  exit(1);
}

uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// --- the socket -----------------------------------------------------------------------------------

static void attach_filter(unsigned port) {
  // IPv4 without options, UDP, whole, to this port, and not what we sent ourselves.
  struct sock_filter code[] = {
      {BPF_LD | BPF_H | BPF_ABS, 0, 0, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)},
      {BPF_JMP | BPF_JEQ | BPF_K, 10, 0, PACKET_OUTGOING},
      {BPF_LD | BPF_H | BPF_ABS, 0, 0, 12},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 8, ETHERTYPE_IP},
      {BPF_LD | BPF_H | BPF_ABS, 0, 0, ETH + 6},
      {BPF_JMP | BPF_JSET | BPF_K, 6, 0, 0x3fff},
      {BPF_LD | BPF_B | BPF_ABS, 0, 0, ETH + 9},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 4, IPPROTO_UDP},
      {BPF_LD | BPF_B | BPF_ABS, 0, 0, ETH},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0x45},
      {BPF_LD | BPF_H | BPF_ABS, 0, 0, ETH + IP + 2},
      {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, port},
      {BPF_RET | BPF_K, 0, 0, 0},
      {BPF_RET | BPF_K, 0, 0, FRAME_MAX},
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program)) die("filter");
}

static void look_up(const char *ifname, struct sockaddr_ll *on) {
  struct ifreq request = {0};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", ifname);
  if ((on->sll_ifindex = (int)if_nametoindex(ifname)) == 0) die(ifname);
  if (ioctl(fd, SIOCGIFHWADDR, &request)) die("hardware address");
  memcpy(wire_address, request.ifr_hwaddr.sa_data, 6);
}

static void map_ring(void) {
  int version = TPACKET_V2;
  struct tpacket_req request = {.tp_block_size = BLOCK, .tp_block_nr = SLOTS / (BLOCK / SLOT),
                                .tp_frame_size = SLOT, .tp_frame_nr = SLOTS};
  if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version)) die("ring version");
  if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request)) die("ring");
  ring = mmap(NULL, (size_t)SLOTS * SLOT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (ring == MAP_FAILED) die("map ring");
}

void wire_open(const char *ifname, unsigned port) {
  struct sockaddr_ll on = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
  int bytes = 32 << 20, yes = 1;
  // No protocol yet: nothing is to arrive before the filter is there.
  if ((fd = socket(AF_PACKET, SOCK_RAW, 0)) < 0) die("packet socket");
  attach_filter(port);
  map_ring();
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes)) die("send buffer");
  if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes)) die("qdisc bypass");
  look_up(ifname, &on);
  if (bind(fd, (struct sockaddr *)&on, sizeof on)) die("bind");
  for (unsigned i = 0; i < BATCH; i++) {
    out_parts[i] = (struct iovec){out[i], 0};
    departures[i].msg_hdr = (struct msghdr){.msg_iov = &out_parts[i], .msg_iovlen = 1};
  }
}

// --- frames in and out ----------------------------------------------------------------------------

uint8_t *wire_next(void) {
  if (queued == BATCH) wire_flush();
  return out[queued];
}

void wire_queue(size_t length) {
  out_parts[queued++].iov_len = length;
}

void wire_flush(void) {
  for (unsigned sent = 0; sent < queued;) {
    int n = sendmmsg(fd, departures + sent, queued - sent, 0);
    if (n < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) die("send");
    if (n > 0) sent += (unsigned)n;
  }
  queued = 0;
}

static struct tpacket2_hdr *slot_at(unsigned index) {
  return (struct tpacket2_hdr *)(void *)(ring + (size_t)(index % SLOTS) * SLOT);
}

unsigned wire_receive(void) {
  for (; taken > 0; taken--) {
    __atomic_store_n(&slot_at(next++)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  }
  while (taken < BATCH && __atomic_load_n(&slot_at(next + taken)->tp_status, __ATOMIC_ACQUIRE) &
                              TP_STATUS_USER) {
    taken++;
  }
  return taken;
}

const uint8_t *wire_frame(unsigned index, size_t *length) {
  const struct tpacket2_hdr *slot = slot_at(next + index);
  *length = slot->tp_snaplen < FRAME_MAX ? slot->tp_snaplen : FRAME_MAX;
  return (const uint8_t *)slot + slot->tp_mac;
}

void wire_sleep(uint64_t ns) {
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  struct timespec time = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
  ppoll(&wait, 1, &time, NULL);
}

// --- octets ---------------------------------------------------------------------------------------

void put16(uint8_t *at, unsigned value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

void put32(uint8_t *at, uint32_t value) {
  put16(at, value >> 16);
  put16(at + 2, value & 0xffff);
}

uint32_t get32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t folded(uint64_t total) {
  while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
  return (uint32_t)total;
}

// RFC 1071 §2 (B): summed in the machine's byte order, four octets at a time, swapped in the end.
static uint32_t sum(const uint8_t *at, size_t length, uint32_t total) {
  uint64_t words = 0;
  uint32_t word;
  size_t i = 0;
  for (; i + 4 <= length; i += 4) {
    memcpy(&word, at + i, 4);
    words += word;
  }
  uint32_t rest = 0;
  if (length - i >= 2) rest = (uint32_t)at[i] << 8 | at[i + 1], i += 2;
  if (length > i) rest += (uint32_t)at[i] << 8;
  return ntohs((uint16_t)folded(words)) + rest + total;
}

// RFC 768: what the sum of a UDP datagram begins with.
static uint32_t pseudo_header(const uint8_t *frame, unsigned udp_length) {
  return sum(frame + ETH + 12, 8, IPPROTO_UDP + udp_length);
}

void wire_wrap(uint8_t *frame, size_t length, const struct ends *ends) {
  uint8_t *ip = frame + ETH, *udp = ip + IP;
  unsigned udp_length = (unsigned)(UDP + length);
  memcpy(frame, ends->to, 6);
  memcpy(frame + 6, ends->from, 6);
  put16(frame + 12, ETHERTYPE_IP);
  memset(ip, 0, IP + UDP);
  ip[0] = 0x45, ip[8] = 64, ip[9] = IPPROTO_UDP;
  put16(ip + 2, IP + udp_length);
  put32(ip + 12, ends->source);
  put32(ip + 16, ends->destination);
  put16(ip + 10, ~folded(sum(ip, IP, 0)) & 0xffff);
  put16(udp, ends->source_port);
  put16(udp + 2, ends->destination_port);
  put16(udp + 4, udp_length);
  unsigned checksum = ~folded(sum(udp, udp_length, pseudo_header(frame, udp_length))) & 0xffff;
  put16(udp + 6, checksum == 0 ? 0xffff : checksum);
}

bool wire_intact(const uint8_t *frame, size_t length) {
  const uint8_t *ip = frame + ETH, *udp = ip + IP;
  unsigned ip_length = (unsigned)ip[2] << 8 | ip[3], udp_length = (unsigned)udp[4] << 8 | udp[5];
  if (ETH + ip_length > length || udp_length < UDP || IP + udp_length > ip_length) return false;
  if (folded(sum(ip, IP, 0)) != 0xffff) return false;
  unsigned given = (unsigned)udp[6] << 8 | udp[7];
  uint32_t pseudo = pseudo_header(frame, udp_length);
  // A kernel's UDP socket leaves the sum of the pseudo header for the hardware to finish, which a
  // veth does not have.
  if (given == 0 || given == folded(pseudo)) return true;
  return folded(sum(udp, udp_length, pseudo)) == 0xffff;
}

const uint8_t *find_option(const uint8_t *frame, size_t length, unsigned code) {
  for (size_t at = OPTIONS; at + 1 < length && frame[at] != 255;) {
    if (frame[at] == 0) {
      at++;
      continue;
    }
    if (at + 2 + frame[at + 1] > length) break;
    if (frame[at] == code) return frame + at;
    at += 2u + frame[at + 1];
  }
  return NULL;
}

unsigned message_type(const uint8_t *frame, size_t length) {
  if (length < OPTIONS || memcmp(frame + COOKIE, "\x63\x82\x53\x63", 4) != 0) return 0;
  const uint8_t *type = find_option(frame, length, 53);
  return type == NULL || type[1] != 1 ? 0 : type[2];
}

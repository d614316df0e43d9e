// A load generator for DHCP relays and servers, and the stateless server behind a relay under test.
//
//   loadgen clients IFNAME [--seconds S] [--in-flight N | --rate R] [--clients N] [--broadcast]
//       poses as N clients on a LAN: DISCOVER, OFFER, REQUEST, ACK. Closed loop with N exchanges in flight, or open loop
//       with R exchanges a second. Polls, so that the other side pays for no wake-up of ours. Prints one line of JSON.
//   loadgen server IFNAME ADDRESS
//       answers every request: to giaddr with option 82 echoed, or to a client on the link. Polls as well.
//
// Both speak through packet sockets in batches and keep nothing about clients but a table of exchanges.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, FRAME = 1024, SLOTS = 4096, BUCKETS = 100000 };
enum { ETH = 14, IP = 20, UDP = 8, HEAD = ETH + IP + UDP };
enum { OP = HEAD, XID = HEAD + 4, FLAGS = HEAD + 10, YIADDR = HEAD + 16, GIADDR = HEAD + 24, CHADDR = HEAD + 28, OPTIONS = HEAD + 240 };
enum { DISCOVER = 1, OFFER = 2, REQUEST = 3, ACK = 5 };

static void die(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// --- packets in batches ----------------------------------------------------------------------------

static int fd;
static unsigned char in[BATCH][FRAME], out[BATCH][FRAME];
static struct iovec in_iov[BATCH], out_iov[BATCH];
static struct mmsghdr in_msg[BATCH], out_msg[BATCH];
static int queued;
static unsigned char own_mac[6];

static void open_socket(const char *ifname, int port) {
  // IPv4, UDP, to this port, and not what we sent ourselves.
  struct sock_filter code[] = {
      {0x28, 0, 0, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)}, {0x15, 7, 0, PACKET_OUTGOING},
      {0x28, 0, 0, 12}, {0x15, 0, 5, ETHERTYPE_IP}, {0x30, 0, 0, 23}, {0x15, 0, 3, IPPROTO_UDP},
      {0x28, 0, 0, 36}, {0x15, 0, 1, (uint32_t)port}, {0x06, 0, 0, FRAME}, {0x06, 0, 0, 0}};
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  struct sockaddr_ll on = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
  int bytes = 32 << 20, one = 1;
  if ((fd = socket(AF_PACKET, SOCK_RAW, 0)) < 0) die("packet socket");
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program)) die("filter");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes)) die("receive buffer");
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
  setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
  if ((on.sll_ifindex = (int)if_nametoindex(ifname)) == 0) die(ifname);
  if (bind(fd, (struct sockaddr *)&on, sizeof on)) die("bind");
  struct ifreq request = {0};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", ifname);
  if (ioctl(fd, SIOCGIFHWADDR, &request)) die("hardware address");
  memcpy(own_mac, request.ifr_hwaddr.sa_data, 6);
  for (int i = 0; i < BATCH; i++) {
    in_iov[i] = (struct iovec){in[i], FRAME};
    out_iov[i] = (struct iovec){out[i], 0};
    in_msg[i].msg_hdr = (struct msghdr){.msg_iov = &in_iov[i], .msg_iovlen = 1};
    out_msg[i].msg_hdr = (struct msghdr){.msg_iov = &out_iov[i], .msg_iovlen = 1};
  }
}

static void flush(void) {
  for (int sent = 0; sent < queued;) {
    int n = sendmmsg(fd, out_msg + sent, (unsigned)(queued - sent), 0);
    if (n < 0 && errno != ENOBUFS && errno != EAGAIN) die("send");
    sent += n < 0 ? 1 : n;
  }
  queued = 0;
}

static unsigned char *next_out(void) {
  if (queued == BATCH) flush();
  return out[queued];
}

static void queue(size_t length) { out_iov[queued++].iov_len = length; }

static int receive(void) {
  int n = recvmmsg(fd, in_msg, BATCH, MSG_DONTWAIT, NULL);
  return n < 0 ? 0 : n;
}

// --- octets -----------------------------------------------------------------------------------------

static void put16(unsigned char *at, unsigned value) {
  at[0] = (unsigned char)(value >> 8);
  at[1] = (unsigned char)value;
}

static uint32_t get32(const unsigned char *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t sum(const unsigned char *at, size_t length, uint32_t total) {
  for (size_t i = 0; i + 1 < length; i += 2) total += (uint32_t)at[i] << 8 | at[i + 1];
  return length & 1 ? total + ((uint32_t)at[length - 1] << 8) : total;
}

static unsigned fold(uint32_t total) {
  while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
  return ~total & 0xffff;
}

// Headers around `length` octets of message, with complete checksums as a client's kernel would make them.
static void wrap(unsigned char *frame, size_t length, const unsigned char *from, const unsigned char *to, uint32_t source,
                 uint32_t destination, unsigned source_port, unsigned destination_port) {
  memcpy(frame, to, 6);
  memcpy(frame + 6, from, 6);
  put16(frame + 12, ETHERTYPE_IP);
  unsigned char *ip = frame + ETH, *udp = ip + IP;
  memset(ip, 0, IP + UDP);
  ip[0] = 0x45, ip[8] = 64, ip[9] = IPPROTO_UDP;
  put16(ip + 2, (unsigned)(IP + UDP + length));
  uint32_t source_n = htonl(source), destination_n = htonl(destination);
  memcpy(ip + 12, &source_n, 4);
  memcpy(ip + 16, &destination_n, 4);
  put16(ip + 10, fold(sum(ip, IP, 0)));
  put16(udp, source_port);
  put16(udp + 2, destination_port);
  put16(udp + 4, (unsigned)(UDP + length));
  put16(udp + 6, fold(sum(udp, UDP + length, sum(ip + 12, 8, (uint32_t)(IPPROTO_UDP + UDP + length)))));
}

static const unsigned char *option(const unsigned char *frame, size_t length, unsigned code) {
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

// --- clients ----------------------------------------------------------------------------------------

struct exchange {
  uint64_t discover_at, sent_at;
  uint32_t xid, client;
  unsigned char stage;  // 0 none, else the type that is waited for
};

static struct exchange table[SLOTS];
static uint32_t clients = 100000, next_client, generation, in_flight = 64;
static unsigned flags;
static uint64_t offers, acks, lost, wrong, overruns, offer_hist[BUCKETS], ack_hist[BUCKETS];
static const unsigned char everyone[6] = {255, 255, 255, 255, 255, 255};

static void send_message(struct exchange *e, int type, const unsigned char *offer, size_t offer_length) {
  unsigned char *frame = next_out();
  memset(frame + HEAD, 0, 300);
  unsigned char mac[6] = {2, 0x10, 0, (unsigned char)(e->client >> 16), (unsigned char)(e->client >> 8), (unsigned char)e->client};
  frame[OP] = 1, frame[OP + 1] = 1, frame[OP + 2] = 6;
  uint32_t xid = htonl(e->xid);
  memcpy(frame + XID, &xid, 4);
  put16(frame + FLAGS, flags);
  memcpy(frame + CHADDR, mac, 6);
  memcpy(frame + HEAD + 236, "\x63\x82\x53\x63", 4);
  unsigned char *at = frame + OPTIONS;
  *at++ = 53, *at++ = 1, *at++ = (unsigned char)type;
  *at++ = 61, *at++ = 7, *at++ = 1;
  memcpy(at, mac, 6), at += 6;
  if (offer != NULL) {
    const unsigned char *server = option(offer, offer_length, 54);
    *at++ = 50, *at++ = 4;
    memcpy(at, offer + YIADDR, 4), at += 4;
    if (server != NULL) memcpy(at, server, 6), at += 6;
  }
  memcpy(at, "\x37\x07\x01\x03\x06\x0c\x0f\x1c\x2a\xff", 10);
  wrap(frame, 300, mac, everyone, 0, 0xffffffff, 68, 67);
  queue(HEAD + 300);
  e->stage = type == DISCOVER ? OFFER : ACK;
  e->sent_at = now_ns();
}

static void begin(uint32_t slot) {
  struct exchange *e = &table[slot];
  e->client = next_client++ % clients;
  e->xid = (++generation << 12) | slot;
  send_message(e, DISCOVER, NULL, 0);
  e->discover_at = e->sent_at;
}

static void note(uint64_t *histogram, uint64_t ns) {
  uint64_t us = ns / 1000;
  histogram[us < BUCKETS ? us : BUCKETS - 1]++;
}

// Returns the slot whose exchange has ended, or -1.
static int take(const unsigned char *frame, size_t length) {
  if (length < OPTIONS || frame[OP] != 2) return -1;
  uint32_t xid = get32(frame + XID), slot = xid & (SLOTS - 1);
  struct exchange *e = &table[slot];
  const unsigned char *type = option(frame, length, 53);
  if (e->stage == 0 || e->xid != xid || type == NULL || type[2] != e->stage) return -1;  // late, or not ours
  unsigned ip_length = (unsigned)(frame[ETH + 2] << 8 | frame[ETH + 3]), udp_length = ip_length - IP;
  unsigned given = (unsigned)(frame[ETH + IP + 6] << 8 | frame[ETH + IP + 7]);
  uint32_t pseudo = sum(frame + ETH + 12, 8, IPPROTO_UDP + udp_length);
  // None, one that the kernel left to the hardware of this cable to finish, or a right one.
  bool checksum = given == 0 || given == (~fold(pseudo) & 0xffff) ||
                  (ETH + ip_length <= length && fold(sum(frame + ETH + IP, udp_length, pseudo)) == 0);
  if (frame[CHADDR + 3] != (unsigned char)(e->client >> 16) || frame[CHADDR + 5] != (unsigned char)e->client ||
      get32(frame + YIADDR) == 0 || option(frame, length, 82) != NULL || !checksum)
    wrong++;
  uint64_t now = now_ns();
  if (e->stage == OFFER) {
    offers++;
    note(offer_hist, now - e->sent_at);
    send_message(e, REQUEST, frame, length);
    return -1;
  }
  acks++;
  note(ack_hist, now - e->sent_at);
  e->stage = 0;
  return (int)slot;
}

static uint64_t percentile(const uint64_t *histogram, double share) {
  uint64_t all = 0, below = 0;
  for (int i = 0; i < BUCKETS; i++) all += histogram[i];
  for (int i = 0; i < BUCKETS; i++)
    if ((double)(below += histogram[i]) >= share * (double)all && all > 0) return (uint64_t)i;
  return 0;
}

static void sweep(uint64_t now, bool restart) {
  for (uint32_t slot = 0; slot < in_flight; slot++) {
    if (table[slot].stage == 0 || now < table[slot].sent_at + 1000000000u) continue;
    lost++;
    table[slot].stage = 0;
    if (restart) begin(slot);
  }
}

static void run_clients(double seconds, double rate) {
  bool open_loop = rate > 0;
  uint64_t start = now_ns(), end = start + (uint64_t)(seconds * 1e9), swept = start, begun = 0;
  uint32_t cursor = 0;
  if (open_loop) in_flight = SLOTS;
  else for (uint32_t slot = 0; slot < in_flight; slot++) begin(slot);
  flush();
  for (uint64_t now = start; now < end; now = now_ns()) {
    int n = receive();
    for (int i = 0; i < n; i++) {
      int slot = take(in[i], in_msg[i].msg_len);
      if (slot >= 0 && !open_loop) begin((uint32_t)slot);
    }
    while (open_loop && (double)begun < (double)(now - start) * rate / 1e9) {
      uint32_t tried = 0;
      while (table[cursor % SLOTS].stage != 0 && tried++ < SLOTS) cursor++;
      if (tried >= SLOTS) overruns++;
      else begin(cursor % SLOTS);
      cursor++, begun++;
    }
    flush();
    if (n == 0) sched_yield();
    if (now - swept > 100000000u) sweep(swept = now, !open_loop);
  }
  double took = (double)(now_ns() - start) / 1e9;
  printf("{\"exchanges\":%llu,\"perSecond\":%.0f,\"offers\":%llu,\"lost\":%llu,\"wrong\":%llu,\"overruns\":%llu,"
         "\"offerMicros\":{\"p50\":%llu,\"p99\":%llu},\"ackMicros\":{\"p50\":%llu,\"p99\":%llu,\"p999\":%llu}}\n",
         (unsigned long long)acks, (double)acks / took, (unsigned long long)offers, (unsigned long long)lost,
         (unsigned long long)wrong, (unsigned long long)overruns, (unsigned long long)percentile(offer_hist, .5),
         (unsigned long long)percentile(offer_hist, .99), (unsigned long long)percentile(ack_hist, .5),
         (unsigned long long)percentile(ack_hist, .99), (unsigned long long)percentile(ack_hist, .999));
}

// --- the server ---------------------------------------------------------------------------------------

static void answer(const unsigned char *frame, size_t length, uint32_t own) {
  const unsigned char *type = option(frame, length, 53), *information = option(frame, length, 82);
  if (length < OPTIONS || frame[OP] != 1 || type == NULL || (type[2] != DISCOVER && type[2] != REQUEST)) return;
  unsigned char *reply = next_out(), *at = reply + OPTIONS;
  memset(reply + HEAD, 0, 300 + 64);
  memcpy(reply + HEAD, frame + HEAD, 240);
  reply[OP] = 2;
  uint32_t giaddr = get32(frame + GIADDR), own_n = htonl(own);
  // 10.x.y.z from the last octets of chaddr.
  reply[YIADDR] = 10, reply[YIADDR + 1] = frame[CHADDR + 3] | 1, reply[YIADDR + 2] = frame[CHADDR + 4], reply[YIADDR + 3] = frame[CHADDR + 5];
  *at++ = 53, *at++ = 1, *at++ = type[2] == DISCOVER ? OFFER : ACK;
  *at++ = 54, *at++ = 4;
  memcpy(at, &own_n, 4), at += 4;
  memcpy(at, "\x33\x04\x00\x00\x0e\x10\x01\x04\xff\x00\x00\x00\x03\x04\x0a\x00\x00\x01", 18), at += 18;
  if (information != NULL && information[1] < 128) memcpy(at, information, 2u + information[1]), at += 2u + information[1];
  *at++ = 255;
  size_t message = (size_t)(at - reply) - HEAD;
  if (message < 300) message = 300;
  if (giaddr != 0) wrap(reply, message, own_mac, frame + 6, own, giaddr, 67, 67);
  else wrap(reply, message, own_mac, frame + CHADDR, own, get32(reply + YIADDR), 67, 68);
  queue(HEAD + message);
}

static void run_server(uint32_t own) {
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  for (unsigned idle = 0;;) {
    int n = receive();
    for (int i = 0; i < n; i++) answer(in[i], in_msg[i].msg_len, own);
    flush();
    // Polls while there is work, and lets others run; a server that nobody asks sleeps.
    idle = n > 0 ? 0 : idle + 1;
    if (idle > 5000) poll(&wait, 1, -1);
    else if (n == 0) sched_yield();
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "loadgen clients|server IFNAME ...\n"), 2;
  bool server = strcmp(argv[1], "server") == 0;
  double seconds = 5, rate = 0;
  for (int i = 3; !server && i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--broadcast") == 0) flags = 0x8000;
    else if (strcmp(argv[i], "--seconds") == 0) seconds = atof(value), i++;
    else if (strcmp(argv[i], "--rate") == 0) rate = atof(value), i++;
    else if (strcmp(argv[i], "--in-flight") == 0) in_flight = (uint32_t)atoi(value), i++;
    else if (strcmp(argv[i], "--clients") == 0) clients = (uint32_t)atoi(value), i++;
    else return fprintf(stderr, "unknown argument %s\n", argv[i]), 2;
  }
  if (in_flight == 0 || in_flight > SLOTS || clients == 0) return fprintf(stderr, "at most %d in flight\n", SLOTS), 2;
  open_socket(argv[2], server ? 67 : 68);
  struct in_addr own = {0};
  if (server && (argc < 4 || inet_aton(argv[3], &own) == 0)) return fprintf(stderr, "which address?\n"), 2;
  if (server) run_server(ntohl(own.s_addr));
  run_clients(seconds, rate);
  return 0;
}

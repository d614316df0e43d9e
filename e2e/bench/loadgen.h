// A load generator for DHCP relays and servers, and a stateless server to stand behind a relay.
//
//   wire.c        frames in and out of one interface, in batches; headers and checksums
//   clients.c     many clients, or a relay with many clients behind it, in closed or open loop
//   leases.c      what each client was given, and whether two were given the same
//   histogram.c   how long answers took
//   responder.c   the stateless server
//   loadgen.c     the command line
#ifndef LOADGEN_H
#define LOADGEN_H

#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// Where things are in a frame without options in its IP header.
enum { ETH = 14, IP = 20, UDP = 8, HEAD = ETH + IP + UDP };
enum {
  OP = HEAD, HOPS = HEAD + 3, XID = HEAD + 4, FLAGS = HEAD + 10, CIADDR = HEAD + 12,
  YIADDR = HEAD + 16, GIADDR = HEAD + 24, CHADDR = HEAD + 28, COOKIE = HEAD + 236,
  OPTIONS = HEAD + 240
};
enum { DISCOVER = 1, OFFER = 2, REQUEST = 3, ACK = 5, NAK = 6 };
enum { SERVER_PORT = 67, CLIENT_PORT = 68 };
enum { MESSAGE_MIN = 300 };  // RFC 1542 §2.1

// --- wire.c ---------------------------------------------------------------------------------------

enum { BATCH = 64, FRAME_MAX = 1024 };

extern uint8_t wire_address[6];  // of the interface that wire_open was given

// Opens a packet socket for UDP to this port; ends the program when it cannot.
void wire_open(const char *ifname, unsigned port);
// Room for the next frame to send, and sending it with the batch it becomes part of.
uint8_t *wire_next(void);
void wire_queue(size_t length);
void wire_flush(void);
// Takes up to BATCH frames that have come, without waiting; they are good until the next call. Returns how many.
unsigned wire_receive(void);
const uint8_t *wire_frame(unsigned index, size_t *length);
// Sleeps until a frame comes or the time is over.
void wire_sleep(uint64_t ns);

struct ends {
  const uint8_t *from, *to;  // hardware addresses
  uint32_t source, destination;
  unsigned source_port, destination_port;
};
// Writes all headers around a message of `length` octets, with complete checksums.
void wire_wrap(uint8_t *frame, size_t length, const struct ends *ends);
// Whether the UDP checksum is right, absent, or left for the hardware of a virtual cable to finish.
bool wire_intact(const uint8_t *frame, size_t length);

void put16(uint8_t *at, unsigned value);
void put32(uint8_t *at, uint32_t value);
uint32_t get32(const uint8_t *at);
// The option's code octet, or NULL.
const uint8_t *find_option(const uint8_t *frame, size_t length, unsigned code);
// The message type (option 53), 0 if there is none or this is no DHCP.
unsigned message_type(const uint8_t *frame, size_t length);

uint64_t now_ns(void);
void die(const char *what);

// --- leases.c -------------------------------------------------------------------------------------

void leases_open(uint32_t clients);
// Notes what a client was given. Returns false when another client has it.
bool leases_give(uint32_t client, uint32_t address);
// What a client was given last, or 0.
uint32_t leases_of(uint32_t client);

// --- histogram.c ----------------------------------------------------------------------------------

enum { BUCKETS = 100000 };  // one for each microsecond up to 0.1 s, the last one for all above

struct histogram {
  uint64_t count, max_ns, buckets[BUCKETS];
};
void histogram_add(struct histogram *histogram, uint64_t ns);
void histogram_clear(struct histogram *histogram);
// Prints {"p50":…,"p99":…,"p999":…,"max":…} in microseconds.
void histogram_print(const struct histogram *histogram);

// --- clients.c ------------------------------------------------------------------------------------

enum { IN_FLIGHT_MAX = 4096, CLIENTS_MAX = 1 << 22 };

struct load {
  double seconds;      // 0: without end, which --once has by itself
  double rate;         // exchanges begun each second, whatever is answered; 0: closed loop
  uint32_t in_flight;  // exchanges at a time in closed loop
  uint32_t clients, first;
  bool once;       // every client once at most, then stop
  bool known;      // all clients are given leases before the measurement begins
  bool reboot;     // known clients confirm their lease (INIT-REBOOT) instead of asking anew
  bool broadcast;  // clients set the BROADCAST flag
  bool sleep;      // wait for answers asleep, not polling
  bool stateless;  // the answers come from our responder, whose addresses are known
  // As a relay: 0 and nothing for clients on the LAN.
  uint32_t giaddr, server;
  uint8_t server_hardware[6];
};
// Runs it and prints one line of JSON.
void run_clients(const struct load *load);

// --- responder.c ----------------------------------------------------------------------------------

// Answers every DISCOVER and REQUEST as `own`, for ever; wrongly if it shall lie.
void run_responder(uint32_t own, bool lie);
// The address that the responder gives to this hardware address: 10.64.0.0 and above.
uint32_t stateless_address(const uint8_t *hardware);

#endif

#include "loadgen.h"

#include <sched.h>
#include <string.h>

enum { INFORMATION_MAX = 128 };
// Looks this many times before it sleeps: a few milliseconds, longer than any pause under load.
enum { LOOKS_BEFORE_SLEEP = 5000 };

uint32_t stateless_address(const uint8_t *hardware) {
  return 0x0a400000u + ((uint32_t)(hardware[3] & 63) << 16 | (uint32_t)hardware[4] << 8 | hardware[5]);
}

// Makes an answer wrong, in another way every time: what a load generator must notice is tested with it.
static void spoil(uint8_t *reply, uint8_t *type, uint8_t *information) {
  static unsigned state = 1;
  state = state * 1664525 + 1013904223;  // a turn order that does not go along with the clients'
  switch ((state >> 16) % 5) {
    case 0: reply[CHADDR + 4] ^= 1; return;
    case 1: put32(reply + YIADDR, 0); return;
    case 2: put32(reply + YIADDR, 0x0a400001); return;  // everybody the same
    case 3: *information ^= 82 ^ 251; return;           // none where one was, or one where none was
    case 4: *type = NAK; return;
  }
}

static void answer(const uint8_t *request, size_t length, uint32_t own, bool lie) {
  unsigned type = message_type(request, length);
  if (request[OP] != 1 || (type != DISCOVER && type != REQUEST)) return;
  uint8_t *reply = wire_next(), *at = reply + OPTIONS;
  memset(reply + OPTIONS, 0, MESSAGE_MIN - 240 + INFORMATION_MAX);
  memcpy(reply + HEAD, request + HEAD, OPTIONS - HEAD);
  reply[OP] = 2;
  reply[HOPS] = 0;  // RFC 2131 §4.3.1, table 3
  put32(reply + YIADDR, stateless_address(request + CHADDR));
  *at++ = 53, *at++ = 1, *at++ = type == DISCOVER ? OFFER : ACK;
  *at++ = 54, *at++ = 4, put32(at, own), at += 4;
  memcpy(at, "\x33\x04\x00\x00\x0e\x10\x01\x04\xff\x00\x00\x00\x03\x04\x0a\x00\x00\x01", 18);
  at += 18;
  const uint8_t *information = find_option(request, length, 82);
  if (information != NULL && information[1] <= INFORMATION_MAX - 2) {
    memcpy(at, information, 2u + information[1]);
    at += 2u + information[1];
  } else if (lie) {
    memcpy(at, "\xfb\x02\x01\x00", 4), at += 4;  // an option for private use (RFC 3942)
  }
  if (lie) spoil(reply, reply + OPTIONS + 2, reply + OPTIONS + 27);
  *at++ = 255;
  size_t message = (size_t)(at - reply) - HEAD;
  if (message < MESSAGE_MIN) message = MESSAGE_MIN;

  uint32_t giaddr = get32(request + GIADDR);
  bool relayed = giaddr != 0;
  // A relayed reply goes back the way the request came; no ARP is spoken here.
  wire_wrap(reply, message,
            &(struct ends){.from = wire_address,
                           .to = relayed ? request + 6 : request + CHADDR,
                           .source = own,
                           .destination = relayed ? giaddr : get32(reply + YIADDR),
                           .source_port = SERVER_PORT,
                           .destination_port = relayed ? SERVER_PORT : CLIENT_PORT});
  static unsigned answered;
  if (lie && answered++ % 7 == 0) reply[HEAD + MESSAGE_MIN - 1] ^= 1;  // behind the checksum's back
  wire_queue(HEAD + message);
}

void run_responder(uint32_t own, bool lie) {
  puts("answering");
  fflush(stdout);
  for (unsigned idle = 0;;) {
    unsigned n = wire_receive();
    for (unsigned i = 0; i < n; i++) {
      size_t length;
      const uint8_t *request = wire_frame(i, &length);
      answer(request, length, own, lie);
    }
    wire_flush();
    idle = n > 0 ? 0 : idle + 1;
    // Polls while there is work, letting others run; a server that nobody asks sleeps.
    if (idle > LOOKS_BEFORE_SLEEP) wire_sleep(1000000000u);
    else if (n == 0) sched_yield();
  }
}

#include "loadgen.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

// An answer that has not come by then is lost; real clients would ask again after 4 s.
static const uint64_t PATIENCE = 1000000000u;
static const uint64_t SWEEP_EVERY = 50000000u;
static const uint8_t EVERYONE[6] = {255, 255, 255, 255, 255, 255};
static const uint8_t CIRCUIT[] = {82, 6, 1, 4, 'l', 'a', 'n', '0'};

struct exchange {
  uint64_t began, asked;
  uint32_t xid, client;
  unsigned waits_for;  // OFFER, ACK, or 0 while there is none
};

// What can be wrong with an answer to a question that was asked.
enum fault { CHECKSUM, HARDWARE, ADDRESS, TWICE, INFORMATION, REFUSED, FAULTS };
static const char *const FAULT_NAMES[FAULTS] = {"checksum",  "hardwareAddress",  "address",
                                                "duplicate", "relayInformation", "refused"};

static struct load load;
static struct exchange exchanges[IN_FLIGHT_MAX];
static uint8_t template[HEAD + MESSAGE_MIN];
static struct histogram offer_times, ack_times, whole_times;
static uint64_t done, lost, late, overruns, rounds, idle_rounds, faults[FAULTS];
static uint64_t ended;  // when the last ACK came
static uint32_t generation, begun, pending;

static void hardware_address(uint32_t client, uint8_t *at) {
  client += load.first;
  at[0] = 2, at[1] = 0x10, at[2] = 0;
  at[3] = (uint8_t)(client >> 16), at[4] = (uint8_t)(client >> 8), at[5] = (uint8_t)client;
}

static void make_template(void) {
  template[OP] = 1, template[OP + 1] = 1, template[OP + 2] = 6;
  template[HOPS] = load.giaddr != 0;
  put16(template + FLAGS, load.broadcast ? 0x8000 : 0);
  put32(template + GIADDR, load.giaddr);
  memcpy(template + COOKIE, "\x63\x82\x53\x63", 4);
}

// --- asking ---------------------------------------------------------------------------------------

// `offer` is what a REQUEST selects, or NULL.
static void ask(struct exchange *e, unsigned type, const uint8_t *offer, size_t offer_length) {
  uint8_t *frame = wire_next(), *at = frame + OPTIONS, *hardware = frame + CHADDR;
  memcpy(frame + HEAD, template + HEAD, MESSAGE_MIN);
  put32(frame + XID, e->xid);
  hardware_address(e->client, hardware);
  *at++ = 53, *at++ = 1, *at++ = (uint8_t)type;
  *at++ = 61, *at++ = 7, *at++ = 1, memcpy(at, hardware, 6), at += 6;
  if (type == REQUEST) {
    // RFC 2131 §4.3.2: selecting names the server, INIT-REBOOT does not.
    const uint8_t *server = offer == NULL ? NULL : find_option(offer, offer_length, 54);
    *at++ = 50, *at++ = 4;
    put32(at, offer == NULL ? leases_of(e->client) : get32(offer + YIADDR)), at += 4;
    if (server != NULL) memcpy(at, server, 6), at += 6;
  }
  memcpy(at, "\x37\x07\x01\x03\x06\x0c\x0f\x1c\x2a", 9), at += 9;
  if (load.giaddr != 0) memcpy(at, CIRCUIT, sizeof CIRCUIT), at += sizeof CIRCUIT;
  *at = 255;
  bool relay = load.giaddr != 0;
  wire_wrap(frame, MESSAGE_MIN,
            &(struct ends){.from = relay ? wire_address : hardware,
                           .to = relay ? load.server_hardware : EVERYONE,
                           .source = load.giaddr,
                           .destination = relay ? load.server : 0xffffffff,
                           .source_port = relay ? SERVER_PORT : CLIENT_PORT,
                           .destination_port = SERVER_PORT});
  wire_queue(HEAD + MESSAGE_MIN);
  e->waits_for = type == DISCOVER ? OFFER : ACK;
}

// `due` is when it should have begun: in open loop the wait of a late start counts.
static void begin(struct exchange *e, bool reboot, uint64_t due) {
  e->client = begun++ % load.clients;
  e->xid = ++generation * IN_FLIGHT_MAX + (uint32_t)(e - exchanges);
  e->began = e->asked = due;
  // Whoever was given nothing has nothing to confirm.
  ask(e, reboot && leases_of(e->client) != 0 ? REQUEST : DISCOVER, NULL, 0);
  pending++;
}

static void end(struct exchange *e) {
  e->waits_for = 0;
  pending--;
}

// --- being answered -------------------------------------------------------------------------------

static void check(const struct exchange *e, const uint8_t *frame, size_t length, bool final) {
  uint8_t hardware[6];
  uint32_t address = get32(frame + YIADDR);
  const uint8_t *information = find_option(frame, length, 82);
  hardware_address(e->client, hardware);
  faults[CHECKSUM] += !wire_intact(frame, length);
  faults[HARDWARE] += memcmp(frame + CHADDR, hardware, 6) != 0;
  faults[ADDRESS] += address == 0 || (load.stateless && address != stateless_address(hardware));
  // RFC 3046 §2.2: a relay gets back what it added, a client never sees it.
  if (load.giaddr == 0) faults[INFORMATION] += information != NULL;
  else faults[INFORMATION] += information == NULL || memcmp(information, CIRCUIT, sizeof CIRCUIT);
  if (final && address != 0) faults[TWICE] += !leases_give(e->client, address);
}

// Returns the exchange that this answer has ended, or NULL.
static struct exchange *take(const uint8_t *frame, size_t length) {
  unsigned type = message_type(frame, length);
  if (type == 0 || frame[OP] != 2) return NULL;
  uint32_t xid = get32(frame + XID);
  struct exchange *e = &exchanges[xid % IN_FLIGHT_MAX];
  if (e->waits_for == 0 || e->xid != xid || (type != NAK && type != e->waits_for)) {
    late++;
    return NULL;
  }
  uint64_t now = now_ns();
  if (type == NAK) {
    faults[REFUSED]++;
    end(e);
    return e;
  }
  check(e, frame, length, type == ACK);
  histogram_add(type == OFFER ? &offer_times : &ack_times, now - e->asked);
  if (type == OFFER) {
    ask(e, REQUEST, frame, length);
    e->asked = now;
    return NULL;
  }
  histogram_add(&whole_times, now - e->began);
  ended = now;
  done++;
  end(e);
  return e;
}

// --- the loop -------------------------------------------------------------------------------------

struct run {
  uint64_t start, until;
  bool reboot, once;
  double rate;
  uint32_t in_flight;
};

static bool may_begin(const struct run *run, uint64_t now) {
  return now < run->until && (!run->once || begun < load.clients);
}

static void receive_all(const struct run *run) {
  unsigned n = wire_receive();
  rounds++;
  idle_rounds += n == 0;
  for (unsigned i = 0; i < n; i++) {
    size_t length;
    const uint8_t *frame = wire_frame(i, &length);
    struct exchange *e = take(frame, length);
    if (e == NULL || run->rate > 0) continue;
    uint64_t now = now_ns();
    if (may_begin(run, now)) begin(e, run->reboot, now);
  }
  wire_flush();
  if (n > 0) return;
  if (load.sleep) wire_sleep(run->rate > 0 ? (uint64_t)(1e9 / run->rate) : SWEEP_EVERY);
  else sched_yield();
}

static void begin_due(const struct run *run, uint64_t now) {
  static uint32_t cursor;
  for (;;) {
    uint64_t due = run->start + (uint64_t)((double)begun / run->rate * 1e9);
    if (due > now || !may_begin(run, due)) break;
    uint32_t tried = 0;
    while (tried < run->in_flight && exchanges[cursor % run->in_flight].waits_for != 0) {
      cursor++, tried++;
    }
    if (tried == run->in_flight) {
      begun++, overruns++;
      continue;
    }
    begin(&exchanges[cursor++ % run->in_flight], run->reboot, due);
  }
  wire_flush();
}

static void sweep(const struct run *run, uint64_t now) {
  for (uint32_t slot = 0; slot < run->in_flight; slot++) {
    struct exchange *e = &exchanges[slot];
    if (e->waits_for == 0 || now < e->asked + PATIENCE) continue;
    lost++;
    end(e);
    if (run->rate == 0 && may_begin(run, now)) begin(e, run->reboot, now);
  }
  wire_flush();
}

// Returns when time was up; if every client comes once, when the last exchange was over, whatever was lost after it.
static uint64_t drive(const struct run *run) {
  uint64_t swept = run->start, now = run->start;
  begun = 0;
  ended = run->start + 1;
  for (uint32_t slot = 0; run->rate == 0 && slot < run->in_flight; slot++) {
    if (may_begin(run, now)) begin(&exchanges[slot], run->reboot, now_ns());
  }
  wire_flush();
  while (may_begin(run, now = now_ns()) || (run->once && pending > 0)) {
    receive_all(run);
    if (run->rate > 0) begin_due(run, now_ns());
    if (now - swept > SWEEP_EVERY) sweep(run, swept = now);
  }
  return run->once ? ended : now;
}

// Lets what is under way end, so that nothing of it comes into the next measurement.
static void drain(struct run run) {
  run.until = 0;
  run.rate = 0;
  while (pending > 0) {
    receive_all(&run);
    sweep(&run, now_ns());
  }
}

static void prepare(void) {
  struct run run = {.start = now_ns(), .until = UINT64_MAX, .once = true};
  run.in_flight = load.clients < 256 ? load.clients : 256;
  uint64_t over = drive(&run);
  fprintf(stderr, "prepared %llu of %u clients, %.0f/s\n", (unsigned long long)done, load.clients,
          (double)done / ((double)(over - run.start) / 1e9));
  histogram_clear(&offer_times);
  histogram_clear(&ack_times);
  histogram_clear(&whole_times);
  done = lost = late = overruns = rounds = idle_rounds = 0;
  memset(faults, 0, sizeof faults);
}

static double cpu_seconds(void) {
  struct rusage used;
  if (getrusage(RUSAGE_SELF, &used)) die("getrusage");
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void print_counts(double seconds, uint64_t in_time) {
  uint64_t wrong = 0;
  for (int i = 0; i < FAULTS; i++) wrong += faults[i];
  printf("\"seconds\":%.3f,\"exchanges\":%llu,\"perSecond\":%.0f,\"lost\":%llu,\"late\":%llu,"
         "\"overruns\":%llu,\"idleRounds\":%.3f,\"cpuSeconds\":%.2f,\"wrong\":%llu,"
         "\"wrongBy\":{",
         seconds, (unsigned long long)in_time, (double)in_time / seconds, (unsigned long long)lost,
         (unsigned long long)late, (unsigned long long)overruns,
         rounds == 0 ? 0 : (double)idle_rounds / (double)rounds, cpu_seconds(),
         (unsigned long long)wrong);
  for (int i = 0; i < FAULTS; i++) {
    printf("%s\"%s\":%llu", i == 0 ? "" : ",", FAULT_NAMES[i], (unsigned long long)faults[i]);
  }
  printf("}");
}

void run_clients(const struct load *wanted) {
  load = *wanted;
  leases_open(load.clients);
  make_template();
  if (load.known) prepare();
  uint64_t start = now_ns();
  struct run run = {
      .start = start,
      .until = load.seconds == 0 ? UINT64_MAX : start + (uint64_t)(load.seconds * 1e9),
      .reboot = load.reboot,
      .once = load.once,
      .rate = load.rate,
      .in_flight = load.rate > 0 ? IN_FLIGHT_MAX : load.in_flight,
  };
  double seconds = (double)(drive(&run) - start) / 1e9;
  uint64_t in_time = done;
  drain(run);

  printf("{\"loop\":\"%s\",\"waiting\":\"%s\",\"clients\":%u,", load.rate > 0 ? "open" : "closed",
         load.sleep ? "sleeps" : "polls", load.clients);
  print_counts(seconds, in_time);
  printf(",\"offerMicros\":");
  histogram_print(&offer_times);
  printf(",\"ackMicros\":");
  histogram_print(&ack_times);
  printf(",\"exchangeMicros\":");
  histogram_print(&whole_times);
  printf("}\n");
}

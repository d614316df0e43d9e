#include "loadgen.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "loadgen clients IFNAME [options]    poses as many DHCP clients; prints one line of JSON\n"
    "  --in-flight N     closed loop: N exchanges at a time (64)\n"
    "  --rate R          open loop: R exchanges begin each second, whatever is answered\n"
    "  --seconds S       how long (5, with --once as long as it takes)\n"
    "  --clients N       how many different clients (100000)\n"
    "  --first N         the number of the first of them, for others than last time (0)\n"
    "  --once            each of them once, as far as the time suffices\n"
    "  --known           first let all of them get leases, unmeasured; then they come again\n"
    "  --reboot          known clients confirm what they have (INIT-REBOOT): REQUEST, ACK\n"
    "  --broadcast       with the BROADCAST flag\n"
    "  --relay GIADDR    as a relay before those clients: unicast, option 82; then also needed:\n"
    "  --server ADDRESS --server-mac MAC\n"
    "  --stateless       the answers must be those of our responder\n"
    "  --sleep           sleep while nothing comes; otherwise it polls, and takes a processor\n"
    "loadgen responder IFNAME ADDRESS    a stateless server, also for relays; polls under load\n"
    "  --lie             each answer is wrong in another way, to test who checks them\n";

static void usage(const char *problem, const char *word) {
  fprintf(stderr, "loadgen: %s %s\n%s", problem, word, USAGE);
  exit(64);
}

static uint32_t address(const char *text) {
  struct in_addr in;
  if (text == NULL || inet_pton(AF_INET, text, &in) != 1) usage("not an address:", text ? text : "");
  return ntohl(in.s_addr);
}

static double number(const char *text, double min, double max) {
  char *end;
  double value = text == NULL ? -1 : strtod(text, &end);
  if (text == NULL || *end != 0 || value < min || value > max) usage("not possible:", text ? text : "");
  return value;
}

static bool flag(struct load *load, const char *name) {
  const struct {
    const char *name;
    bool *value;
  } flags[] = {{"--once", &load->once},           {"--known", &load->known},
               {"--reboot", &load->reboot},       {"--broadcast", &load->broadcast},
               {"--stateless", &load->stateless}, {"--sleep", &load->sleep}};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    if (strcmp(name, flags[i].name) == 0) return *flags[i].value = true;
  }
  return false;
}

static void setting(struct load *load, const char *name, const char *value) {
  if (strcmp(name, "--in-flight") == 0) load->in_flight = (uint32_t)number(value, 1, IN_FLIGHT_MAX);
  else if (strcmp(name, "--rate") == 0) load->rate = number(value, 1, 1e7);
  else if (strcmp(name, "--seconds") == 0) load->seconds = number(value, 0.01, 1e6);
  else if (strcmp(name, "--clients") == 0) load->clients = (uint32_t)number(value, 1, CLIENTS_MAX);
  else if (strcmp(name, "--first") == 0) load->first = (uint32_t)number(value, 0, CLIENTS_MAX);
  else if (strcmp(name, "--relay") == 0) load->giaddr = address(value);
  else if (strcmp(name, "--server") == 0) load->server = address(value);
  else if (strcmp(name, "--server-mac") == 0) {
    uint8_t *at = load->server_hardware;
    char more;
    if (value == NULL || sscanf(value, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx%c", at, at + 1, at + 2,
                                at + 3, at + 4, at + 5, &more) != 6) {
      usage("not a hardware address:", value == NULL ? "" : value);
    }
  } else usage("unknown option", name);
}

int main(int argc, char **argv) {
  if (argc < 3) usage("too few", "words");
  if (strcmp(argv[1], "responder") == 0) {
    uint32_t own = address(argv[3]);
    bool lie = argc > 4 && strcmp(argv[4], "--lie") == 0;
    wire_open(argv[2], SERVER_PORT);
    run_responder(own, lie);
  }
  if (strcmp(argv[1], "clients") != 0) usage("unknown role", argv[1]);
  struct load load = {.in_flight = 64, .clients = 100000};
  for (int i = 3; i < argc; i++) {
    if (!flag(&load, argv[i])) setting(&load, argv[i], argv[i + 1]), i++;
  }
  static const uint8_t none[6];
  bool server = load.server != 0 && memcmp(load.server_hardware, none, 6) != 0;
  if (load.giaddr != 0 && !server) usage("a relay needs", "--server and --server-mac");
  if (load.reboot && !load.known) usage("only known clients reboot: add", "--known");
  if (load.clients < load.in_flight) usage("fewer clients than", "--in-flight");
  if (load.seconds == 0 && !load.once) load.seconds = 5;
  wire_open(argv[2], load.giaddr != 0 ? SERVER_PORT : CLIENT_PORT);
  run_clients(&load);
}

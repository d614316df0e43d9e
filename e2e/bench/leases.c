#include "loadgen.h"

#include <errno.h>
#include <stdlib.h>

// Which client was given an address, in a table with open addressing. An entry is stale when its
// client was given something else since; then the next one may take it over.
struct entry {
  uint32_t address, client;
};

static uint32_t *held, slots;
static struct entry *table;

void leases_open(uint32_t clients) {
  for (slots = 1024; slots < clients * 4; slots *= 2) {}
  held = calloc(clients, sizeof *held);
  table = calloc(slots, sizeof *table);
  if (held == NULL || table == NULL) die("memory for leases");
}

uint32_t leases_of(uint32_t client) {
  return held[client];
}

bool leases_give(uint32_t client, uint32_t address) {
  uint32_t at = (address * 2654435761u) & (slots - 1);
  for (uint32_t tried = 0; tried < slots; tried++, at = (at + 1) & (slots - 1)) {
    struct entry *entry = &table[at];
    if (entry->address != 0 && entry->address != address) continue;
    bool taken = entry->address != 0 && entry->client != client && held[entry->client] == address;
    *entry = (struct entry){address, client};
    held[client] = address;
    return !taken;
  }
  errno = ENOSPC;
  die("leases");
  return false;
}

#include "loadgen.h"

#include <string.h>

void histogram_add(struct histogram *histogram, uint64_t ns) {
  uint64_t us = ns / 1000;
  histogram->buckets[us < BUCKETS ? us : BUCKETS - 1]++;
  histogram->count++;
  if (ns > histogram->max_ns) histogram->max_ns = ns;
}

void histogram_clear(struct histogram *histogram) {
  memset(histogram, 0, sizeof *histogram);
}

static unsigned percentile(const struct histogram *histogram, double share) {
  uint64_t below = 0;
  for (unsigned us = 0; us < BUCKETS && histogram->count > 0; us++) {
    below += histogram->buckets[us];
    if ((double)below >= share * (double)histogram->count) return us;
  }
  return 0;
}

void histogram_print(const struct histogram *histogram) {
  printf("{\"count\":%llu,\"p50\":%u,\"p99\":%u,\"p999\":%u,\"max\":%llu}",
         (unsigned long long)histogram->count, percentile(histogram, .5),
         percentile(histogram, .99), percentile(histogram, .999),
         (unsigned long long)(histogram->max_ns / 1000));
}

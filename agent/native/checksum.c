#include "addon.h"

#include <netinet/in.h>
#include <string.h>

// RFC 1071: the sum may be taken in the machine's order, and eight octets at a time with the carry brought
// around; what comes out is in the order of the packet.

static uint64_t plus(uint64_t sum, uint64_t word) {
  sum += word;
  return sum + (sum < word);
}

static uint64_t sum_of(const uint8_t *at, size_t length, uint64_t sum) {
  for (; length >= 8; at += 8, length -= 8) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    sum = plus(sum, word);
  }
  uint64_t rest = 0;
  memcpy(&rest, at, length);
  return plus(sum, rest);
}

static uint16_t folded(uint64_t sum) {
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return (uint16_t)((sum >> 16) + (sum & 0xffff));
}

enum { IP_HEADER = 20, UDP_HEADER = 8, CHECKSUM_AT = 6, FRAGMENT = 0x3fff };

static uint32_t u16(const uint8_t *at) {
  return (uint32_t)at[0] << 8 | at[1];
}

bool udp_checksum_holds(const uint8_t *packet, uint32_t length) {
  if (length < IP_HEADER || packet[0] >> 4 != 4 || packet[9] != IPPROTO_UDP) return false;
  uint32_t header = (packet[0] & 15) * 4u, total = u16(packet + 2);
  if (header < IP_HEADER || total > length || total < header + UDP_HEADER) return false;
  const uint8_t *udp = packet + header;
  uint32_t octets = u16(udp + 4);
  if ((u16(packet + 6) & FRAGMENT) != 0 || octets < UDP_HEADER || octets > total - header ||
      u16(udp + CHECKSUM_AT) == 0) {
    return false;
  }
  // RFC 768: both addresses, the protocol and the length come before the datagram.
  uint64_t pseudo = (uint64_t)htons(IPPROTO_UDP) + htons((uint16_t)octets);
  return folded(sum_of(udp, octets, sum_of(packet + 12, 8, pseudo))) == 0xffff;
}

void complete_checksum(uint8_t *udp, uint32_t head_length, const uint8_t *body, uint32_t length) {
  uint16_t checksum = (uint16_t)~folded(sum_of(body, length, sum_of(udp, head_length, 0)));
  // RFC 768: a sum that comes out as zero is sent as all ones.
  if (checksum == 0) checksum = 0xffff;
  memcpy(udp + CHECKSUM_AT, &checksum, sizeof checksum);
}

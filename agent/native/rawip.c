#include "addon.h"

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static napi_value own_descriptor(napi_env env, enum handle_kind kind, int fd) {
  struct handle *handle = calloc(1, sizeof *handle);
  if (handle == NULL) {
    struct failure failure = {0};
    failed(&failure, NULL, "allocate a handle");
    close(fd);
    return throw_failure(env, &failure);
  }
  handle->kind = kind;
  handle->fd = fd;
  return own_handle(env, handle);
}

// --- raw IP sockets -------------------------------------------------------------------------------

// The kernel writes the IP header, with the source that comes with each packet. With IP_HDRINCL it would
// take ours, but look up a route anew and throw it away again for every packet to a neighbour.

enum { TTL = 64, TOS = IPTOS_LOWDELAY };  // as codec/link/datagram.ts writes them

static int bind_to_device(int fd, const char *device, struct failure *failure) {
  socklen_t length = (socklen_t)strlen(device);
  if (length == 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, length) == 0) return 0;
  const char *remedy = errno == ENODEV  ? "no such interface in this network namespace"
                       : errno == EPERM ? "needs CAP_NET_RAW"
                                        : NULL;
  return failed(failure, remedy, "bind raw IP socket to device %s", device);
}

static int set(int fd, int level, int name, int value, const char *what, struct failure *failure) {
  if (setsockopt(fd, level, name, &value, sizeof value) == 0) return 0;
  return failed(failure, errno == EPERM ? "needs CAP_NET_RAW" : NULL, "%s on raw IP socket", what);
}

// Every UDP datagram for this host would be cloned for the socket, for its filter to drop. So it is bound
// to an address that nobody has (RFC 1122 section 3.2.1.3: "this network" is not a destination).
static int hear_nothing(int fd, struct failure *failure) {
  struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(1)};
  if (drop_everything(fd, failure) < 0) return -1;
  if (bind(fd, (struct sockaddr *)&nobody, sizeof nobody) == 0) return 0;
  return failed(failure, NULL, "bind raw IP socket to 0.0.0.1");
}

static int configure_raw_ip(int fd, const char *device, struct failure *failure) {
  // A source that is not this host's needs IP_TRANSPARENT; a server may be named by its subnet's
  // broadcast address; routers may fragment what we send.
  if (set(fd, SOL_IP, IP_TRANSPARENT, 1, "allow any source", failure) < 0 ||
      set(fd, SOL_SOCKET, SO_BROADCAST, 1, "allow broadcast", failure) < 0 ||
      set(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, "allow fragments", failure) < 0 ||
      set(fd, SOL_IP, IP_TTL, TTL, "set the time to live", failure) < 0 ||
      set(fd, SOL_IP, IP_TOS, TOS, "set the type of service", failure) < 0 ||
      bind_to_device(fd, device, failure) < 0) {
    return -1;
  }
  return hear_nothing(fd, failure);
}

// openRawIp(netns | undefined, device | undefined)
napi_value js_open_raw_ip(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  char netns[PATH_TEXT], device[IFNAMSIZ];
  struct failure failure = {0};
  if (!read_arguments(env, info, 2, arguments) ||
      !read_text(env, arguments[0], "netns", netns, sizeof netns) ||
      !read_text(env, arguments[1], "device", device, sizeof device)) {
    return NULL;
  }
  int fd = open_socket(netns, AF_INET, SOCK_RAW, IPPROTO_UDP, &failure);
  if (fd < 0) return throw_failure(env, &failure);
  if (configure_raw_ip(fd, device, &failure) < 0) {
    close(fd);
    return throw_failure(env, &failure);
  }
  return own_descriptor(env, RAW_IP_SOCKET, fd);
}

// sendRawIp(handle, arena, entries, count)
napi_value js_send_raw_ip(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  struct bytes arena;
  struct words entries;
  uint32_t count;
  if (!read_arguments(env, info, 4, arguments)) return NULL;
  struct handle *handle = read_handle(env, arguments[0], RAW_IP_SOCKET);
  if (handle == NULL || !read_bytes(env, arguments[1], "arena", &arena) ||
      !read_words(env, arguments[2], "entries", &entries) ||
      !read_uint32(env, arguments[3], "count", 0, UINT32_MAX, &count)) {
    return NULL;
  }
  if (handle->fd < 0) return throw_closed(env, "send on raw IP socket");
  return send_entries(env, handle->kind, handle->fd, &arena, &entries, count);
}

// --- held ports -----------------------------------------------------------------------------------

// holdPort(port, netns | undefined). No SO_REUSEADDR: never take packets from somebody who serves it.
napi_value js_hold_port(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  char netns[PATH_TEXT];
  uint32_t port;
  struct failure failure = {0};
  if (!read_arguments(env, info, 2, arguments) ||
      !read_uint32(env, arguments[0], "port", 1, 0xffff, &port) ||
      !read_text(env, arguments[1], "netns", netns, sizeof netns)) {
    return NULL;
  }
  int fd = open_socket(netns, AF_INET, SOCK_DGRAM, 0, &failure);
  if (fd < 0) return throw_failure(env, &failure);
  struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (drop_everything(fd, &failure) == 0) {
    if (bind(fd, (struct sockaddr *)&local, sizeof local) == 0) {
      return own_descriptor(env, HELD_PORT, fd);
    }
    const char *remedy = errno == EADDRINUSE ? "another program has it"
                         : errno == EACCES   ? "needs CAP_NET_BIND_SERVICE"
                                             : NULL;
    failed(&failure, remedy, "hold UDP port %u", port);
  }
  close(fd);
  return throw_failure(env, &failure);
}

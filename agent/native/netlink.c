#include "addon.h"

#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <unistd.h>

enum {
  // The kernel packs a dump into datagrams of 32 KiB at most (NLMSG_GOODSIZE and netlink_dump).
  DATAGRAM_MAX = 1 << 16,
  DATAGRAMS_PER_WAKE = 32,  // then timers and other sockets get their turn
};

struct netlink_socket {
  struct handle handle;  // first: a pointer to one is a pointer to the other
  bool overrun;          // messages were lost, which is yet to be told
  uint8_t datagram[DATAGRAM_MAX];
};

static void deliver(struct handle *handle, size_t length) {
  const struct netlink_socket *socket = (const struct netlink_socket *)handle;
  napi_value bytes;
  if (napi_create_buffer_copy(handle->env, length, socket->datagram, NULL, &bytes) == napi_ok) {
    call_back(handle, bytes);
  }
}

static void deliver_overrun(struct handle *handle) {
  napi_value null;
  ((struct netlink_socket *)handle)->overrun = false;
  if (napi_get_null(handle->env, &null) == napi_ok) call_back(handle, null);
}

// From its first loss on the kernel discards events, and says so once only, until the queue is empty
// (netlink_overrun, netlink_rcv_wake). So the loss is told when the queue is empty: whoever asks for
// everything any sooner misses what happens meanwhile.
static void on_readable(struct handle *handle) {
  struct netlink_socket *socket = (struct netlink_socket *)handle;
  for (int i = 0; i < DATAGRAMS_PER_WAKE && handle->fd >= 0; i++) {
    struct sockaddr_nl from = {0};
    socklen_t size = sizeof from;
    ssize_t length = recvfrom(handle->fd, socket->datagram, sizeof socket->datagram,
                              MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &size);
    if (length < 0 && errno == EAGAIN) {
      if (socket->overrun) deliver_overrun(handle);
      return;
    }
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 || (size_t)length > sizeof socket->datagram) {
      socket->overrun = true;
    } else if (from.nl_pid == 0) {  // the kernel; any process may send to us
      deliver(handle, (size_t)length);
    }
  }
}

static void on_failure(struct handle *handle, int error) {
  (void)error;  // ENOBUFS; whatever else it may be, asking again for everything is the answer to it
  ((struct netlink_socket *)handle)->overrun = true;
  on_readable(handle);
}

// openNetlink({ netns, groups, receiveBufferBytes, onMessages })
napi_value js_open_netlink(napi_env env, napi_callback_info info) {
  napi_value options, netns_value, groups_value, buffer_value, on_messages;
  char netns[PATH_TEXT];
  uint32_t groups, receive_buffer;
  struct failure failure = {0};
  if (!read_arguments(env, info, 1, &options) ||
      !read_property(env, options, "netns", &netns_value) ||
      !read_property(env, options, "groups", &groups_value) ||
      !read_property(env, options, "receiveBufferBytes", &buffer_value) ||
      !read_property(env, options, "onMessages", &on_messages) ||
      !read_text(env, netns_value, "netns", netns, sizeof netns) ||
      !read_uint32(env, groups_value, "groups", 0, UINT32_MAX, &groups) ||
      !read_uint32(env, buffer_value, "receiveBufferBytes", 0, INT_MAX, &receive_buffer) ||
      !read_function(env, on_messages, "onMessages")) {
    return NULL;
  }
  int fd = open_socket(netns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, &failure);
  if (fd < 0) return throw_failure(env, &failure);
  struct sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_groups = groups};
  struct netlink_socket *socket = NULL;
  if (grow_receive_buffer(fd, receive_buffer, &failure) == 0) {
    if (bind(fd, (struct sockaddr *)&local, sizeof local) < 0) {
      failed(&failure, NULL, "bind netlink socket to groups %#x", groups);
    } else if ((socket = calloc(1, sizeof *socket)) == NULL) {
      failed(&failure, NULL, "allocate a netlink socket");
    }
  }
  if (socket == NULL) {
    close(fd);
    return throw_failure(env, &failure);
  }
  socket->handle.kind = NETLINK_SOCKET;
  socket->handle.fd = fd;
  socket->handle.on_readable = on_readable;
  socket->handle.on_failure = on_failure;
  return watch_handle(env, &socket->handle, on_messages);
}

// sendNetlink(handle, bytes)
napi_value js_send_netlink(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  struct bytes bytes;
  struct failure failure = {0};
  if (!read_arguments(env, info, 2, arguments)) return NULL;
  struct handle *handle = read_handle(env, arguments[0], NETLINK_SOCKET);
  if (handle == NULL || !read_bytes(env, arguments[1], "bytes", &bytes)) return NULL;
  if (handle->fd < 0) return throw_closed(env, "send on netlink socket");
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  if (sendto(handle->fd, bytes.at, bytes.length, MSG_DONTWAIT, (struct sockaddr *)&kernel,
             sizeof kernel) >= 0) {
    return NULL;
  }
  failed(&failure, NULL, "send on netlink socket");
  return throw_failure(env, &failure);
}

// The packet plane: what the kernel offers and Node does not. Each file is one noun; this header is
// what they share. Everything that comes from JavaScript is checked here even though agent/net checks
// it too: misuse is an exception, never a crash.
//
//   arguments.c  JavaScript values ► C values, or TypeError and RangeError
//   failure.c    errno ► Error with code, operation and remedy
//   handle.c     a descriptor owned by a JavaScript object, perhaps read by the event loop
//   sockets.c    opening a socket in a network namespace, filters, buffer sizes
//   packet.c     AF_PACKET: batches in, by a ring shared with the kernel
//   checksum.c   UDP checksums, which JavaScript would take 100 ns each for
//   entries.c    batches out, for packet and raw IP sockets
//   rawip.c      raw IP sockets, held ports
//   netlink.c    rtnetlink
//   journal.c    durable writes and the lock of the lease store
#ifndef ADDON_H
#define ADDON_H

#define _GNU_SOURCE
#define NAPI_VERSION 9
#include <errno.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

// --- words shared with agent/net/addon.ts, which compares them at loading -------------------------

enum slot_word {
  SLOT_START, SLOT_LENGTH, SLOT_ORIGINAL_LENGTH, SLOT_IFINDEX, SLOT_PACKET_TYPE, SLOT_STATUS,
  SLOT_VLAN, SLOT_PROTOCOL, SLOT_HARDWARE_TYPE, SLOT_HARDWARE_LENGTH, SLOT_HARDWARE_HIGH,
  SLOT_HARDWARE_LOW, SLOT_END, SLOT_WORDS
};

enum entry_word {
  ENTRY_HEAD_AT, ENTRY_HEAD_LENGTH, ENTRY_BODY_AT, ENTRY_BODY_LENGTH, ENTRY_IFINDEX, ENTRY_PROTOCOL,
  ENTRY_HARDWARE_LENGTH, ENTRY_HARDWARE_HIGH, ENTRY_HARDWARE_LOW, ENTRY_DESTINATION,
  ENTRY_CHECKSUM_START, ENTRY_ERROR, ENTRY_WORDS
};

enum { STATUS_CHECKSUM_NOT_READY = 1, STATUS_CHECKSUM_VALID = 2 };
enum { HARDWARE_ADDRESS_MAX = 8 };  // sll_addr holds no more

// --- failure.c ------------------------------------------------------------------------------------

enum { OPERATION_MAX = 160 };

struct failure {
  int error;           // errno; 0 while nothing failed
  const char *remedy;  // what the reader can do about it, or NULL
  char operation[OPERATION_MAX];
};

// Records errno and what was attempted. Returns -1, as the system call did.
int failed(struct failure *failure, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Throws it as an Error with code, errno and operation. Returns NULL, as callbacks do after throwing.
napi_value throw_failure(napi_env env, const struct failure *failure);
// Throws what a Node-API call reported, unless it left an exception itself. Returns NULL.
napi_value throw_napi(napi_env env);
napi_value throw_closed(napi_env env, const char *operation);

// --- arguments.c: each returns false after throwing -----------------------------------------------

struct bytes { uint8_t *at; size_t length; };
struct words { uint32_t *at; size_t length; };

bool read_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values);
bool read_property(napi_env env, napi_value object, const char *name, napi_value *value);
bool read_uint32(napi_env env, napi_value value, const char *name, uint32_t least, uint32_t most,
                 uint32_t *result);
bool read_boolean(napi_env env, napi_value value, const char *name, bool *result);
// undefined gives the empty text; a text of `size` octets or more, or with a NUL inside, is refused.
bool read_text(napi_env env, napi_value value, const char *name, char *result, size_t size);
bool read_function(napi_env env, napi_value value, const char *name);
// The two below point into JavaScript's memory: valid until JavaScript runs again.
bool read_bytes(napi_env env, napi_value value, const char *name, struct bytes *result);
bool read_words(napi_env env, napi_value value, const char *name, struct words *result);

// --- sockets.c ------------------------------------------------------------------------------------

enum { PATH_TEXT = 4096 };

// socket(2) in the network namespace at `netns`, or in ours when that is empty.
int open_socket(const char *netns, int domain, int type, int protocol, struct failure *failure);
int attach_filter(int fd, const struct bytes *program, struct failure *failure);
int drop_everything(int fd, struct failure *failure);
int grow_receive_buffer(int fd, uint32_t octets, struct failure *failure);

// --- handle.c -------------------------------------------------------------------------------------

enum handle_kind { ANY_HANDLE, PACKET_SOCKET, RAW_IP_SOCKET, HELD_PORT, NETLINK_SOCKET };

struct handle {
  enum handle_kind kind;
  int fd;  // -1 from close on
  napi_env env;
  // From here on only for descriptors that the event loop reads.
  bool watched;
  bool unreachable;  // the JavaScript object is gone
  bool finished;     // the descriptor is closed and the loop has let go
  int closing_fd;
  uv_poll_t poll;
  uv_work_t closing;
  napi_ref callback;
  napi_async_context async;
  napi_async_cleanup_hook_handle teardown;
  void (*on_readable)(struct handle *);      // opens no handle scope, runs in one
  void (*on_failure)(struct handle *, int);  // errno
  void (*before_close)(struct handle *);     // the descriptor is still open
  void (*after_close)(struct handle *);      // it is closed; maybe called on a pool thread
  void (*on_freed)(struct handle *);         // the last that is heard of it
};

// Both take over `handle`, from calloc with kind and fd set, and give the JavaScript object, or NULL
// after throwing, closing and freeing. An owned descriptor is closed when its object is collected; a
// watched one stays open until close() or the end of the environment.
napi_value own_handle(napi_env env, struct handle *handle);
napi_value watch_handle(napi_env env, struct handle *handle, napi_value callback);
struct handle *read_handle(napi_env env, napi_value value, enum handle_kind kind);
// Calls the callback; what it throws becomes an uncaughtException. Afterwards the handle may be closed.
void call_back(struct handle *handle, napi_value argument);
void close_handle(struct handle *handle);
napi_value js_close(napi_env env, napi_callback_info info);

// --- checksum.c -----------------------------------------------------------------------------------

// Whether this is an IPv4 packet with a whole UDP datagram whose checksum is there and right.
bool udp_checksum_holds(const uint8_t *packet, uint32_t length);
// Completes the checksum of a UDP header, which holds the sum of the pseudo header; `head_length` octets
// from it on, an even number, and the body are what it covers.
void complete_checksum(uint8_t *udp, uint32_t head_length, const uint8_t *body, uint32_t length);

// --- entries.c ------------------------------------------------------------------------------------

// Sends `count` entries out of `arena` with as few system calls as there are failures, and gives the
// number of failures; each ENTRY_ERROR is set. NULL after throwing, then nothing was sent.
napi_value send_entries(napi_env env, enum handle_kind kind, int fd, const struct bytes *arena,
                        const struct words *entries, uint32_t count);

// --- the functions of the module ------------------------------------------------------------------

napi_value js_open_packet(napi_env env, napi_callback_info info);
napi_value js_send_packets(napi_env env, napi_callback_info info);
napi_value js_packet_statistics(napi_env env, napi_callback_info info);
napi_value js_open_raw_ip(napi_env env, napi_callback_info info);
napi_value js_send_raw_ip(napi_env env, napi_callback_info info);
napi_value js_hold_port(napi_env env, napi_callback_info info);
napi_value js_open_netlink(napi_env env, napi_callback_info info);
napi_value js_send_netlink(napi_env env, napi_callback_info info);
napi_value js_write_durably(napi_env env, napi_callback_info info);
napi_value js_clear_durably(napi_env env, napi_callback_info info);
napi_value js_lock_file(napi_env env, napi_callback_info info);
napi_value js_boot_millis(napi_env env, napi_callback_info info);

#endif

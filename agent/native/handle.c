#include "addon.h"

#include <stdlib.h>
#include <unistd.h>

// Life of a watched handle. It has two owners, the JavaScript object and the event loop, and the last
// to let go frees it:
//
//   watch_handle ──► open ──close()──► poll stopped ──uv_close──► close(2) on a pool thread ──► finished
//                      └──end of the environment──┘
//
// close(2) of a packet socket waits for synchronize_net (8 to 24 ms), hence the pool.

static const napi_type_tag TAG = {0x6468637061636b65, 0x74706c616e650001};

static void free_handle(struct handle *handle) {
  if (handle->on_freed != NULL) handle->on_freed(handle);
  free(handle);
}

static void free_if_unowned(struct handle *handle) {
  if (handle->unreachable && handle->finished) free_handle(handle);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  struct handle *handle = data;
  handle->unreachable = true;
  if (!handle->watched) close_handle(handle);
  free_if_unowned(handle);
}

static void close_now(struct handle *handle, int fd) {
  close(fd);
  if (handle->after_close != NULL) handle->after_close(handle);
}

static napi_value wrap(napi_env env, struct handle *handle) {
  napi_value object;
  if (napi_create_object(env, &object) != napi_ok ||
      napi_type_tag_object(env, object, &TAG) != napi_ok ||
      napi_wrap(env, object, handle, on_collected, NULL, NULL) != napi_ok) {
    return NULL;
  }
  return object;
}

napi_value own_handle(napi_env env, struct handle *handle) {
  handle->env = env;
  napi_value object = wrap(env, handle);
  if (object != NULL) return object;
  close(handle->fd);
  free(handle);
  return throw_napi(env);
}

struct handle *read_handle(napi_env env, napi_value value, enum handle_kind kind) {
  static const char *const wanted[] = {
      [ANY_HANDLE] = "handle must be one that this addon opened",
      [PACKET_SOCKET] = "handle must be a packet socket",
      [RAW_IP_SOCKET] = "handle must be a raw IP socket",
      [HELD_PORT] = "handle must be a held port",
      [NETLINK_SOCKET] = "handle must be a netlink socket",
  };
  void *data = NULL;
  bool ours = false;
  napi_valuetype type;
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_object &&
      napi_check_object_type_tag(env, value, &TAG, &ours) == napi_ok && ours &&
      napi_unwrap(env, value, &data) == napi_ok) {
    struct handle *handle = data;
    if (kind == ANY_HANDLE || handle->kind == kind) return handle;
  }
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", wanted[kind]);
  return NULL;
}

// --- watched handles ------------------------------------------------------------------------------

static void take_error(struct handle *handle);

static void on_poll(uv_poll_t *poll, int status, int events) {
  (void)events;
  struct handle *handle = poll->data;
  napi_handle_scope scope;
  if (handle->fd < 0 || napi_open_handle_scope(handle->env, &scope) != napi_ok) return;
  if (status == 0) {
    handle->on_readable(handle);
  } else {
    take_error(handle);
  }
  napi_close_handle_scope(handle->env, scope);
}

// libuv stops polling a descriptor with a pending error (an interface went down, a queue ran over)
// and says EBADF. Taking the error clears it; a send may have taken it before us.
static void take_error(struct handle *handle) {
  int error = 0;
  socklen_t size = sizeof error;
  bool usable = getsockopt(handle->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0;
  if (!usable) error = errno;
  if (error != 0) handle->on_failure(handle, error);
  if (usable && handle->fd >= 0) uv_poll_start(&handle->poll, UV_READABLE, on_poll);
}

void call_back(struct handle *handle, napi_value argument) {
  napi_env env = handle->env;
  napi_value function, error;
  bool pending = false;
  if (napi_get_reference_value(env, handle->callback, &function) != napi_ok) return;
  // The receiver must be an object; the function itself serves.
  napi_make_callback(env, handle->async, function, function, 1, &argument, NULL);
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

static void on_descriptor_closed(uv_work_t *work, int status) {
  (void)status;
  struct handle *handle = work->data;
  napi_async_cleanup_hook_handle teardown = handle->teardown;
  handle->finished = true;
  free_if_unowned(handle);
  // Last, since it may be all the environment waits for before it collects every object.
  napi_remove_async_cleanup_hook(teardown);
}

static void close_descriptor(uv_work_t *work) {
  struct handle *handle = work->data;
  close_now(handle, handle->closing_fd);
}

static void on_poll_closed(uv_handle_t *poll) {
  struct handle *handle = poll->data;
  handle->closing.data = handle;
  int status = uv_queue_work(poll->loop, &handle->closing, close_descriptor, on_descriptor_closed);
  if (status == 0) return;
  close_descriptor(&handle->closing);
  on_descriptor_closed(&handle->closing, 0);
}

static void let_go_of_javascript(struct handle *handle) {
  napi_delete_reference(handle->env, handle->callback);
  napi_async_destroy(handle->env, handle->async);
}

void close_handle(struct handle *handle) {
  if (handle->fd < 0) return;
  if (handle->before_close != NULL) handle->before_close(handle);
  int fd = handle->fd;
  handle->fd = -1;
  if (handle->watched) {
    let_go_of_javascript(handle);
    handle->closing_fd = fd;
    uv_poll_stop(&handle->poll);
    uv_close((uv_handle_t *)&handle->poll, on_poll_closed);
  } else {
    close_now(handle, fd);
    handle->finished = true;
  }
}

static void on_teardown(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  close_handle(data);
}

static bool hold_javascript(napi_env env, struct handle *handle, napi_value callback) {
  napi_value name;
  if (napi_create_string_utf8(env, "dhcp:socket", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_async_init(env, NULL, name, &handle->async) != napi_ok) {
    return false;
  }
  if (napi_create_reference(env, callback, 1, &handle->callback) == napi_ok) return true;
  napi_async_destroy(env, handle->async);
  return false;
}

static napi_value abandon(napi_env env, struct handle *handle) {
  throw_napi(env);
  if (handle->before_close != NULL) handle->before_close(handle);
  close_now(handle, handle->fd);
  free_handle(handle);
  return NULL;
}

napi_value watch_handle(napi_env env, struct handle *handle, napi_value callback) {
  uv_loop_t *loop;
  handle->env = env;
  handle->watched = true;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok || !hold_javascript(env, handle, callback)) {
    return abandon(env, handle);
  }
  int status = uv_poll_init(loop, &handle->poll, handle->fd);
  if (status != 0) {
    let_go_of_javascript(handle);
    napi_throw_error(env, uv_err_name(status), "the event loop does not take the descriptor");
    return abandon(env, handle);
  }
  handle->poll.data = handle;
  uv_poll_start(&handle->poll, UV_READABLE, on_poll);
  // From here on the loop owns it, and whatever fails ends in close_handle.
  if (napi_add_async_cleanup_hook(env, on_teardown, handle, &handle->teardown) == napi_ok) {
    napi_value object = wrap(env, handle);
    if (object != NULL) return object;
  }
  throw_napi(env);
  handle->unreachable = true;
  close_handle(handle);
  return NULL;
}

napi_value js_close(napi_env env, napi_callback_info info) {
  napi_value handle_value;
  if (!read_arguments(env, info, 1, &handle_value)) return NULL;
  struct handle *handle = read_handle(env, handle_value, ANY_HANDLE);
  if (handle != NULL) close_handle(handle);
  return NULL;
}

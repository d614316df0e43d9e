#include "addon.h"

// The functions of the module; agent/net/addon.ts describes them to TypeScript.
static const napi_property_descriptor FUNCTIONS[] = {
    {.utf8name = "openPacket", .method = js_open_packet},
    {.utf8name = "sendPackets", .method = js_send_packets},
    {.utf8name = "packetStatistics", .method = js_packet_statistics},
    {.utf8name = "openRawIp", .method = js_open_raw_ip},
    {.utf8name = "sendRawIp", .method = js_send_raw_ip},
    {.utf8name = "holdPort", .method = js_hold_port},
    {.utf8name = "openNetlink", .method = js_open_netlink},
    {.utf8name = "sendNetlink", .method = js_send_netlink},
    {.utf8name = "writeDurably", .method = js_write_durably},
    {.utf8name = "clearDurably", .method = js_clear_durably},
    {.utf8name = "lockFile", .method = js_lock_file},
    {.utf8name = "bootMillis", .method = js_boot_millis},
    {.utf8name = "close", .method = js_close},
};

struct word {
  const char *name;
  uint32_t offset;
};

static const struct word SLOT_LAYOUT[] = {
    {"START", SLOT_START},
    {"LENGTH", SLOT_LENGTH},
    {"ORIGINAL_LENGTH", SLOT_ORIGINAL_LENGTH},
    {"IFINDEX", SLOT_IFINDEX},
    {"PACKET_TYPE", SLOT_PACKET_TYPE},
    {"STATUS", SLOT_STATUS},
    {"VLAN", SLOT_VLAN},
    {"PROTOCOL", SLOT_PROTOCOL},
    {"HARDWARE_TYPE", SLOT_HARDWARE_TYPE},
    {"HARDWARE_LENGTH", SLOT_HARDWARE_LENGTH},
    {"HARDWARE_HIGH", SLOT_HARDWARE_HIGH},
    {"HARDWARE_LOW", SLOT_HARDWARE_LOW},
    {"END", SLOT_END},
    {"WORDS", SLOT_WORDS},
};

static const struct word ENTRY_LAYOUT[] = {
    {"HEAD_AT", ENTRY_HEAD_AT},
    {"HEAD_LENGTH", ENTRY_HEAD_LENGTH},
    {"BODY_AT", ENTRY_BODY_AT},
    {"BODY_LENGTH", ENTRY_BODY_LENGTH},
    {"IFINDEX", ENTRY_IFINDEX},
    {"PROTOCOL", ENTRY_PROTOCOL},
    {"HARDWARE_LENGTH", ENTRY_HARDWARE_LENGTH},
    {"HARDWARE_HIGH", ENTRY_HARDWARE_HIGH},
    {"HARDWARE_LOW", ENTRY_HARDWARE_LOW},
    {"DESTINATION", ENTRY_DESTINATION},
    {"CHECKSUM_START", ENTRY_CHECKSUM_START},
    {"ERROR", ENTRY_ERROR},
    {"WORDS", ENTRY_WORDS},
};

static bool put_layout(napi_env env, napi_value into, const char *name, const struct word *words,
                       size_t count) {
  napi_value object, number;
  if (napi_create_object(env, &object) != napi_ok) return false;
  for (size_t i = 0; i < count; i++) {
    if (napi_create_uint32(env, words[i].offset, &number) != napi_ok ||
        napi_set_named_property(env, object, words[i].name, number) != napi_ok) {
      return false;
    }
  }
  return napi_set_named_property(env, into, name, object) == napi_ok;
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

NAPI_MODULE_INIT() {
  napi_value layout;
  if (napi_define_properties(env, exports, COUNT(FUNCTIONS), FUNCTIONS) != napi_ok ||
      napi_create_object(env, &layout) != napi_ok ||
      !put_layout(env, layout, "slot", SLOT_LAYOUT, COUNT(SLOT_LAYOUT)) ||
      !put_layout(env, layout, "entry", ENTRY_LAYOUT, COUNT(ENTRY_LAYOUT)) ||
      napi_set_named_property(env, exports, "layout", layout) != napi_ok) {
    return throw_napi(env);
  }
  return exports;
}

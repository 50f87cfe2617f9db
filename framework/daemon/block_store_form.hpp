// The store's form, version 1: compared letter by letter at each start. Whoever changes it counts the version up.
#pragma once

#include <string>

namespace berth::daemon {

inline constexpr int store_version = 1;
inline constexpr int store_application = 0x62727468;  // "brth"

inline constexpr const char* block_table =
    "CREATE TABLE block (id INTEGER PRIMARY KEY, protocol INTEGER NOT NULL, use INTEGER NOT NULL, "
    "first INTEGER NOT NULL, count INTEGER NOT NULL, token INTEGER NOT NULL, draining INTEGER NOT NULL, "
    "created INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT";
inline constexpr const char* listed_table =
    "CREATE TABLE listed (first INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT";
inline constexpr const char* seal_table =
    "CREATE TABLE seal (one INTEGER PRIMARY KEY, boot_high INTEGER NOT NULL, boot_low INTEGER NOT NULL, "
    "checksum INTEGER NOT NULL) STRICT";

/// What makes an empty database a store.
inline std::string store_form() {
    return "PRAGMA application_id = " + std::to_string(store_application) +
           "; PRAGMA user_version = " + std::to_string(store_version) + "; BEGIN;" + block_table + ";" + listed_table +
           ";" + seal_table + "; COMMIT";
}

}  // namespace berth::daemon

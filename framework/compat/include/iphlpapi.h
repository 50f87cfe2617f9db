// <iphlpapi.h>: the persistent reservations of the documents, which berthd keeps.
//
// Each call asks berthd at its socket (BERTH_SOCKET in the environment names another one) and returns NO_ERROR or the
// cause. Ports are in network byte order, numbers of ports in host byte order. Thread-safe.
#pragma once

#include "berth_compat/types.h"

extern "C" {

/// ERROR_INVALID_PARAMETER (a zero, past port 65535, a token pointer that cannot be written through),
/// ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION (in use, or it overlaps another block), ERROR_TOO_MANY_OPEN_FILES,
/// ERROR_NOT_ENOUGH_MEMORY, ERROR_SERVICE_NOT_ACTIVE (no berthd answers), ERROR_GEN_FAILURE.
ULONG CreatePersistentTcpPortReservation(USHORT StartPort, USHORT NumberOfPorts, PULONG64 Token);
ULONG CreatePersistentUdpPortReservation(USHORT StartPort, USHORT NumberOfPorts, PULONG64 Token);

/// Exactly this block: ERROR_NOT_FOUND otherwise; ERROR_SHARING_VIOLATION while sockets of it are out, having waited
/// a second for ports that consumers keep without using them.
ULONG DeletePersistentTcpPortReservation(USHORT StartPort, USHORT NumberOfPorts);
ULONG DeletePersistentUdpPortReservation(USHORT StartPort, USHORT NumberOfPorts);

/// The token that the block has since the system started: ERROR_NOT_FOUND if there is no such block.
ULONG LookupPersistentTcpPortReservation(USHORT StartPort, USHORT NumberOfPorts, PULONG64 Token);
ULONG LookupPersistentUdpPortReservation(USHORT StartPort, USHORT NumberOfPorts, PULONG64 Token);

}  // extern "C"

// <ws2spi.h>: the provider's form of the control call, which the documents print beside the application's.
#pragma once

#include "winsock2.h"

typedef struct _WSATHREADID {
    HANDLE ThreadHandle;
    DWORD_PTR Reserved;
} WSATHREADID, *LPWSATHREADID;

extern "C" {

/// WSAIoctl with its error in *lpErrno. The completion routine waits for the calling thread, whatever thread is
/// named.
int WSPIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, LPDWORD bytes_returned,
             LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
             LPINT lpErrno);

}  // extern "C"

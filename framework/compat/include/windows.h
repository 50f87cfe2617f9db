// <windows.h> as far as the documents need it: types, wide text, the last error of a thread, waits.
//
// CMake puts it in the include folder under the other names that programs use too, <Windows.h.> with the dot among
// them: a file of that name cannot be in a repository that is checked out on Windows.
#pragma once

#include "berth_compat/printing.h"
#include "berth_compat/types.h"

extern "C" {

/// Of the calling thread; the same as WSAGetLastError.
DWORD GetLastError(void);
void SetLastError(DWORD error);

/// Waits. `alertable`: completion routines of calls that this thread made run meanwhile, and end the wait with
/// WAIT_IO_COMPLETION.
DWORD SleepEx(DWORD milliseconds, BOOL alertable);

/// Ends the overlapped calls under way on a socket with WSA_OPERATION_ABORTED: one, or all if `overlapped` is NULL.
/// FALSE and ERROR_NOT_FOUND if there is none.
BOOL CancelIoEx(HANDLE socket, LPOVERLAPPED overlapped);

}  // extern "C"

/// What a program with wide arguments begins with: the library's main calls it.
int wmain(int argc, WCHAR** argv);

#ifndef WIN32_LEAN_AND_MEAN  // as on Windows, where it brings the sockets too unless it is told not to
#include "winsock2.h"
#endif

// The documents' types, with the sizes that they have on Windows: DWORD, ULONG and LONG are 32 bits here as there.
//
// What differs: wchar_t, and so WCHAR and L"", has 32 bits; `long` has 64. No program of the documents can tell, as
// long as it prints by this wprintf (see printing.h).
#pragma once

#ifndef __cplusplus
#error "berth's compatibility headers are C++: compile this source as C++11 or later"
#endif
#ifndef __linux__
#error "berth's compatibility headers are for Linux: on Windows use the system's own"
#endif

#include <stddef.h>
#include <stdint.h>

typedef char CHAR;
typedef wchar_t WCHAR;
typedef unsigned char BYTE, UCHAR, BOOLEAN;
typedef int16_t SHORT;
typedef uint16_t WORD, USHORT;
typedef int32_t INT, LONG, BOOL;
typedef uint32_t UINT, ULONG, DWORD;
typedef long long LONG64, LONGLONG, INT64;
typedef unsigned long long ULONG64, ULONGLONG, DWORD64, UINT64;
typedef intptr_t INT_PTR, LONG_PTR;
typedef uintptr_t UINT_PTR, ULONG_PTR, DWORD_PTR;
typedef size_t SIZE_T;
typedef void VOID, *PVOID, *LPVOID, *HANDLE;
typedef const void* LPCVOID;
typedef BYTE *PBYTE, *LPBYTE;
typedef WORD *PWORD, *LPWORD;
typedef USHORT* PUSHORT;
typedef INT *PINT, *LPINT;
typedef LONG *PLONG, *LPLONG;
typedef BOOL *PBOOL, *LPBOOL;
typedef ULONG* PULONG;
typedef DWORD *PDWORD, *LPDWORD;
typedef ULONG64* PULONG64;
typedef CHAR *PSTR, *LPSTR;
typedef const CHAR *PCSTR, *LPCSTR;
typedef WCHAR *PWSTR, *LPWSTR;
typedef const WCHAR *PCWSTR, *LPCWSTR;
typedef USHORT ADDRESS_FAMILY;

#ifndef TRUE
#define TRUE 1
#define FALSE 0
#endif
#define WINAPI
#define WSAAPI
#define CALLBACK
#define CONST const
#define FAR
#define NEAR
#define IN
#define OUT
#define OPTIONAL

#define MAKEWORD(low, high) ((WORD)(((BYTE)(low)) | (((WORD)((BYTE)(high))) << 8)))
#define LOBYTE(word) ((BYTE)((word)&0xff))
#define HIBYTE(word) ((BYTE)(((word) >> 8) & 0xff))

#define INFINITE 0xFFFFFFFFu
#define WAIT_OBJECT_0 0u
#define WAIT_IO_COMPLETION 0xC0u
#define WAIT_TIMEOUT 258u
#define WAIT_FAILED 0xFFFFFFFFu
#define MAXIMUM_WAIT_OBJECTS 64

#define NO_ERROR 0
#define ERROR_SUCCESS 0
#define ERROR_TOO_MANY_OPEN_FILES 4
#define ERROR_ACCESS_DENIED 5
#define ERROR_INVALID_HANDLE 6
#define ERROR_NOT_ENOUGH_MEMORY 8
#define ERROR_GEN_FAILURE 31
#define ERROR_SHARING_VIOLATION 32
#define ERROR_INVALID_PARAMETER 87
#define ERROR_OPERATION_ABORTED 995
#define ERROR_IO_INCOMPLETE 996
#define ERROR_IO_PENDING 997
#define ERROR_SERVICE_NOT_ACTIVE 1062
#define ERROR_NOT_FOUND 1168

#define STATUS_PENDING 0x103u

typedef struct _OVERLAPPED {
    ULONG_PTR Internal;      // the status: STATUS_PENDING as long as the operation is under way
    ULONG_PTR InternalHigh;  // bytes returned
    union {
        struct {
            DWORD Offset;
            DWORD OffsetHigh;
        };
        PVOID Pointer;
    };
    HANDLE hEvent;  // 0, or an event that is set at the end
} OVERLAPPED, *LPOVERLAPPED;

#define HasOverlappedIoCompleted(overlapped) (((DWORD)(overlapped)->Internal) != STATUS_PENDING)

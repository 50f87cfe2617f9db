// Creates a persistent block, draws a port of it, looks the block up, and removes it: a program as Windows has them.
#ifndef UNICODE
#define UNICODE
#endif

#include <Windows.h.>
#include <winsock2.h>
#include <mstcpip.h>
#include <iphlpapi.h>
#include <stdio.h>
#include <stdlib.h>

#pragma comment(lib, "iphlpapi.lib")
#pragma comment(lib, "ws2_32.lib")

/// 0: a port was drawn.
static int draw(ULONG64 token) {
    SOCKET one = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    DWORD size = 0;
    int error = 0;
    sockaddr_in here;
    int here_size = sizeof(here);
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = INADDR_ANY;
    here.sin_port = 0;
    if (WSAIoctl(one, SIO_ASSOCIATE_PORT_RESERVATION, &token, sizeof(ULONG64), NULL, 0, &size, NULL, NULL) != 0) {
        error = WSAGetLastError();
        wprintf(L"associate failed: %d\n", error);
    } else if (bind(one, (SOCKADDR*)&here, sizeof(here)) != 0 || getsockname(one, (SOCKADDR*)&here, &here_size) != 0) {
        error = WSAGetLastError();
        wprintf(L"bind failed: %d\n", error);
    } else {
        wprintf(L"drawn %u\n", ntohs(here.sin_port));
    }
    if (WSAIoctl(one, SIO_RELEASE_PORT_RESERVATION, &token, sizeof(ULONG64), NULL, 0, &size, NULL, NULL) == 0)
        wprintf(L"a persistent block was released\n");
    else
        wprintf(L"release refused: %d\n", WSAGetLastError());
    closesocket(one);
    return error;
}

int wmain(int argc, WCHAR** argv) {
    if (argc != 3) {
        wprintf(L"usage: %s <first port> <ports>\n", argv[0]);
        return 1;
    }
    const USHORT first = htons((USHORT)_wtoi(argv[1]));
    const USHORT count = (USHORT)_wtoi(argv[2]);
    WSADATA about = {0};
    ULONG64 token = 0;
    ULONG64 found = 0;
    unsigned long status = CreatePersistentTcpPortReservation(first, count, &token);
    if (status != NO_ERROR) {
        wprintf(L"create failed: %ld\n", status);
        return 1;
    }
    wprintf(L"created, token %I64u\n", token);
    status = LookupPersistentTcpPortReservation(first, count, &found);
    wprintf(L"found %ld, %ws token\n", status, found == token ? L"the same" : L"another");
    WSAStartup(MAKEWORD(2, 2), &about);
    const int error = draw(token);
    WSACleanup();
    status = DeletePersistentTcpPortReservation(first, count);
    wprintf(L"deleted %ld\n", status);
    return error != 0 || status != NO_ERROR;
}

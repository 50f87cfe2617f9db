// Acquires a block, draws each of its ports with a socket of its own, and releases it: a program as Windows has them.
#ifndef UNICODE
#define UNICODE
#endif

#include <Windows.h.>
#include <winsock2.h>
#include <mstcpip.h>
#include <ws2ipdef.h>
#include <stdio.h>
#include <stdlib.h>

#pragma comment(lib, "ws2_32.lib")

static int complain(const wchar_t* what, int error) {
    wprintf(L"%ws failed: %d\n", what, error);
    WSACleanup();
    return 1;
}

int wmain(int argc, WCHAR** argv) {
    if (argc != 3) {
        wprintf(L"usage: %s <2: datagrams, 1: streams> <ports>\n", argv[0]);
        return 1;
    }
    const int type = _wtoi(argv[1]);
    const int ports = _wtoi(argv[2]);
    WSADATA about = {0};
    int error = WSAStartup(MAKEWORD(2, 2), &about);
    if (error != 0) return complain(L"WSAStartup", error);

    SOCKET keeper = socket(AF_INET, type, 0);
    if (keeper == INVALID_SOCKET) return complain(L"socket", WSAGetLastError());
    INET_PORT_RANGE wanted = {0};
    INET_PORT_RESERVATION_INSTANCE got = {0};
    DWORD size = 0;
    wanted.NumberOfPorts = (USHORT)ports;
    if (WSAIoctl(keeper, SIO_ACQUIRE_PORT_RESERVATION, &wanted, sizeof(wanted), &got, sizeof(got), &size, NULL, NULL) != 0)
        return complain(L"acquire", WSAGetLastError());
    wprintf(L"first %d, count %hu, token %I64u, %u bytes\n", ntohs(got.Reservation.StartPort),
            got.Reservation.NumberOfPorts, got.Token, size);

    for (int i = 0; i < ports; ++i) {
        SOCKET one = socket(AF_INET, type, 0);
        if (WSAIoctl(one, SIO_ASSOCIATE_PORT_RESERVATION, &got.Token, sizeof(ULONG64), NULL, 0, &size, NULL, NULL) != 0)
            return complain(L"associate", WSAGetLastError());
        sockaddr_in here;
        here.sin_family = AF_INET;
        here.sin_addr.s_addr = INADDR_ANY;
        here.sin_port = 0;
        if (bind(one, (SOCKADDR*)&here, sizeof(here)) == SOCKET_ERROR) return complain(L"bind", WSAGetLastError());
        int here_size = sizeof(here);
        if (getsockname(one, (SOCKADDR*)&here, &here_size) == SOCKET_ERROR)
            return complain(L"getsockname", WSAGetLastError());
        wprintf(L"drawn %u\n", ntohs(here.sin_port));  // and left open: the end of the program closes it
    }
    if (WSAIoctl(keeper, SIO_RELEASE_PORT_RESERVATION, &got.Token, sizeof(ULONG64), NULL, 0, &size, NULL, NULL) != 0)
        return complain(L"release", WSAGetLastError());
    if (closesocket(keeper) == SOCKET_ERROR) return complain(L"closesocket", WSAGetLastError());
    WSACleanup();
    wprintf(L"released\n");
    return 0;
}

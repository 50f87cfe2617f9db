// A program as Windows has them, against the installed package.
#include <mstcpip.h>
#include <winsock2.h>
#include <Windows.h.>

int wmain(int, WCHAR** argv) {
    SOCKET s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    INET_PORT_RANGE range = {0, 4};
    INET_PORT_RESERVATION_INSTANCE got = {};
    DWORD bytes = 0;
    if (WSAIoctl(s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof range, &got, sizeof got, &bytes, NULL, NULL) != 0) {
        wprintf(L"acquire failed: %d\n", WSAGetLastError());
        return 1;
    }
    wprintf(L"%ws: consumer of compat: %d ports, token %I64u\n", argv[0], got.Reservation.NumberOfPorts, got.Token);
    return closesocket(s);
}

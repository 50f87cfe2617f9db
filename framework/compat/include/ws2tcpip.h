// <ws2tcpip.h>: names and addresses; inet_pton, inet_ntop and getaddrinfo are the system's own.
#pragma once

#include "ws2ipdef.h"

#include <netdb.h>

typedef struct addrinfo ADDRINFOA, *PADDRINFOA;

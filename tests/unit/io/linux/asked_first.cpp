// getaddrinfo of this program; see slow_names.hpp.
#include "unit/io/slow_names.hpp"

#include <dlfcn.h>
#include <netdb.h>

extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
    using namespace io_test::slow_names;
    const auto next = reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    if ((hints->ai_flags & AI_NUMERICHOST) != 0) return next(host, service, hints, found);
    switch (ask(host == nullptr ? "" : host)) {
        case answer::no_such_name: return EAI_NONAME;
        case answer::try_again: return EAI_AGAIN;
        case answer::loopback: return next("127.0.0.1", service, hints, found);
        default: return next(host, service, hints, found);
    }
}

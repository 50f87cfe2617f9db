// getaddrinfo and getnameinfo, with the results that Asio's resolver gives.
#include "platform/name_lookup.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace berth::platform {
namespace {

using detail::lookup_answer;
using detail::lookup_error;
using detail::lookup_question;

void fail(lookup_answer& answer, int error) {
    const int number = errno;
    answer.number = 0;
    switch (error) {
        case EAI_NONAME:
        case EAI_ADDRFAMILY:
        case EAI_NODATA:
            answer.error = lookup_error::host_not_found;
            return;
        case EAI_AGAIN:
            answer.error = lookup_error::try_again;
            return;
        case EAI_FAIL:
            answer.error = lookup_error::no_recovery;
            return;
        case EAI_SERVICE:
            answer.error = lookup_error::service_not_found;
            return;
        case EAI_SOCKTYPE:
            answer.error = lookup_error::type_not_supported;
            return;
        case EAI_FAMILY:
            answer.number = EAFNOSUPPORT;
            break;
        case EAI_MEMORY:
            answer.number = ENOMEM;
            break;
        case EAI_BADFLAGS:
        case EAI_OVERFLOW:
            answer.number = EINVAL;
            break;
        default:
            answer.number = number != 0 ? number : EIO;
    }
    answer.error = lookup_error::system;
}

const char* or_none(const std::string& text) noexcept { return text.empty() ? nullptr : text.c_str(); }

int ask(const lookup_question& question, int flags, lookup_answer& answer) {
    addrinfo hints{};
    hints.ai_flags = flags;
    hints.ai_family = question.family;
    hints.ai_socktype = question.type;
    hints.ai_protocol = question.protocol;
    addrinfo* found = nullptr;
    errno = 0;
    const int error = ::getaddrinfo(or_none(question.host), or_none(question.service), &hints, &found);
    if (error != 0) return error;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, ::freeaddrinfo);
    answer.host = found->ai_canonname != nullptr ? found->ai_canonname : question.host;
    answer.service = question.service;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        detail::native_address address;
        if ((one->ai_family != AF_INET && one->ai_family != AF_INET6) || one->ai_addrlen > address.bytes.size())
            continue;
        std::memcpy(address.bytes.data(), one->ai_addr, one->ai_addrlen);
        address.size = one->ai_addrlen;
        answer.addresses.push_back(address);
    }
    return 0;
}

lookup_answer ask_for_names(const lookup_question& question) {
    char host[NI_MAXHOST], service[NI_MAXSERV];
    const auto* const address = reinterpret_cast<const sockaddr*>(question.address.bytes.data());
    const auto size = static_cast<socklen_t>(question.address.size);
    const int flags = question.type == SOCK_DGRAM ? NI_DGRAM : 0;
    errno = 0;
    int error = ::getnameinfo(address, size, host, sizeof host, service, sizeof service, flags);
    if (error != 0) {
        error = ::getnameinfo(address, size, host, sizeof host, service, sizeof service, flags | NI_NUMERICSERV);
    }
    lookup_answer answer;
    if (error != 0) {
        fail(answer, error);
    } else {
        answer.host = host;
        answer.service = service;
        answer.addresses.push_back(question.address);
    }
    return answer;
}

}  // namespace

lookup_answer look_up_name(const lookup_question& question) {
    if (question.is_reverse) return ask_for_names(question);
    lookup_answer answer;
    if (const int error = ask(question, question.flags, answer); error != 0) fail(answer, error);
    return answer;
}

bool look_up_numbers(const lookup_question& question, lookup_answer& answer) {
    if (question.is_reverse) return false;
    const int error = ask(question, question.flags | AI_NUMERICHOST | AI_NUMERICSERV, answer);
    if (error == EAI_NONAME && (question.flags & AI_NUMERICHOST) == 0) return false;
    if (error == EAI_NONAME || error == EAI_SERVICE) {
        if ((question.flags & AI_NUMERICSERV) == 0) return false;
    }
    if (error != 0) fail(answer, error);
    return true;
}

}  // namespace berth::platform

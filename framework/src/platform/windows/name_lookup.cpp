// GetAddrInfoW and GetNameInfoW, with the results that Asio's resolver gives. Names are UTF-8 on berth's side.
#include "platform/name_lookup.hpp"

#include "platform/windows/winsock.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace berth::platform {
namespace {

using detail::lookup_answer;
using detail::lookup_error;
using detail::lookup_question;

std::wstring wide(std::string_view text) {
    const int length = ::MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), nullptr, 0);
    std::wstring out(static_cast<std::size_t>(length), L'\0');
    ::MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), out.data(), length);
    return out;
}

std::string narrow(const wchar_t* text) {
    const int length = ::WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
    std::string out(static_cast<std::size_t>(length), '\0');
    ::WideCharToMultiByte(CP_UTF8, 0, text, -1, out.data(), length, nullptr, nullptr);
    out.resize(std::strlen(out.c_str()));
    return out;
}

void fail(lookup_answer& answer, int error) {
    answer.number = 0;
    switch (error) {
        case WSAHOST_NOT_FOUND:
        case WSANO_DATA: answer.error = lookup_error::host_not_found; return;
        case WSATRY_AGAIN: answer.error = lookup_error::try_again; return;
        case WSANO_RECOVERY: answer.error = lookup_error::no_recovery; return;
        case WSATYPE_NOT_FOUND: answer.error = lookup_error::service_not_found; return;
        case WSAESOCKTNOSUPPORT: answer.error = lookup_error::type_not_supported; return;
        default: answer.number = error; answer.error = lookup_error::system;
    }
}

/// 0 or the system's error.
int ask(const lookup_question& question, int flags, lookup_answer& answer) {
    if (const int error = start_winsock(); error != 0) return error;
    ADDRINFOW hints{};
    hints.ai_flags = flags;
    hints.ai_family = question.family;
    hints.ai_socktype = question.type;
    hints.ai_protocol = question.protocol;
    const std::wstring host = wide(question.host), service = wide(question.service);
    ADDRINFOW* found = nullptr;
    const int error = ::GetAddrInfoW(host.empty() ? nullptr : host.c_str(), service.empty() ? nullptr : service.c_str(),
                                     &hints, &found);
    if (error != 0) return error;
    const std::unique_ptr<ADDRINFOW, decltype(&::FreeAddrInfoW)> all(found, ::FreeAddrInfoW);
    answer.host = found->ai_canonname != nullptr ? narrow(found->ai_canonname) : question.host;
    answer.service = question.service;
    for (const ADDRINFOW* one = found; one != nullptr; one = one->ai_next) {
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
    lookup_answer answer;
    int error = start_winsock();
    wchar_t host[NI_MAXHOST], service[NI_MAXSERV];
    const auto* const address = reinterpret_cast<const sockaddr*>(question.address.bytes.data());
    const auto size = static_cast<socklen_t>(question.address.size);
    const int flags = question.type == SOCK_DGRAM ? NI_DGRAM : 0;
    if (error == 0) error = ::GetNameInfoW(address, size, host, NI_MAXHOST, service, NI_MAXSERV, flags);
    if (error == WSAHOST_NOT_FOUND || error == WSATYPE_NOT_FOUND || error == WSANO_DATA) {
        error = ::GetNameInfoW(address, size, host, NI_MAXHOST, service, NI_MAXSERV, flags | NI_NUMERICSERV);
    }
    if (error != 0) {
        fail(answer, error);
    } else {
        answer.host = narrow(host);
        answer.service = narrow(service);
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
    if (error == WSAHOST_NOT_FOUND && (question.flags & AI_NUMERICHOST) == 0) return false;
    if ((error == WSAHOST_NOT_FOUND || error == WSATYPE_NOT_FOUND) && (question.flags & AI_NUMERICSERV) == 0) {
        return false;
    }
    if (error != 0) fail(answer, error);
    return true;
}

}  // namespace berth::platform

// For a call that may not throw: what went wrong inside becomes its failure.
#pragma once

#include "say.hpp"

#include <exception>
#include <new>
#include <system_error>
#include <type_traits>

namespace berth::detail {

/// What `work` returns; on a failure, whatever it returned or nothing of it. Post: a failure has words, if there is
/// memory for them.
template <class Work>
auto guarded(failure& f, Work work) noexcept -> decltype(work()) {
    using result = decltype(work());
    const auto with_words = [&] {
        if (f.code && f.what.empty()) say(f, [&] { return f.code.message(); });
    };
    f = {};
    try {
        if constexpr (std::is_void_v<result>) {
            work();
            return with_words();
        } else {
            auto out = work();
            with_words();
            return out;
        }
    } catch (const std::bad_alloc&) {
        f = {errc::no_memory, {}, 0, 0};
    } catch (const std::exception& e) {
        f = {errc::system_failure, {}, 0, 0};
        say(f, [&] { return std::string(e.what()); });
    }
    with_words();
    return result();
}

}  // namespace berth::detail

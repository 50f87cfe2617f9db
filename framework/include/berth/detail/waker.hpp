// Whom to tell that something which was waited for has come to its end.
#pragma once

namespace berth::detail {

class waker {
public:
    /// Any thread. It may come once too often: whoever is woken looks for himself.
    virtual void wake() noexcept = 0;

protected:
    ~waker() = default;
};

}  // namespace berth::detail

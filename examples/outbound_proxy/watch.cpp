// See watch.hpp.
#include "watch.hpp"

namespace outbound_proxy {
namespace {

constexpr auto tick = std::chrono::milliseconds(500);

}  // namespace

void watched::leave() noexcept {
    if (link_ == nullptr) return;
    *link_ = next_;
    if (next_ != nullptr) next_->link_ = link_;
    link_ = nullptr;
}

watch::~watch() {
    while (first_ != nullptr) first_->leave();
}

void watch::add(watched& one) {
    one.touch();
    one.next_ = first_;
    one.link_ = &first_;
    if (first_ != nullptr) first_->link_ = &one.next_;
    first_ = &one;
    if (!is_asleep_) sleep();
}

void watch::cut_all() noexcept {
    for (watched* one = first_; one != nullptr;) {
        watched* const next = one->next_;
        one->cut();
        one = next;
    }
}

void watch::sleep() {
    is_asleep_ = true;
    timer_.expires_after(tick);
    timer_.async_wait([this](berth::error_code ec) {
        if (!ec) look();
    });
}

void watch::look() {
    is_asleep_ = false;
    const auto now = watched::clock::now();
    for (watched* one = first_; one != nullptr;) {
        watched* const next = one->next_;
        one->looked_at(now - one->touched_);
        one = next;
    }
    if (first_ != nullptr) sleep();
}

}  // namespace outbound_proxy

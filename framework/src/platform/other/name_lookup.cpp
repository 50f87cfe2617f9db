// A system that berth has not been brought to: names are refused.
#include "platform/name_lookup.hpp"

#include <cerrno>

namespace berth::platform {

detail::lookup_answer look_up_name(const detail::lookup_question&) {
    detail::lookup_answer answer;
    answer.error = detail::lookup_error::system;
    answer.number = ENOSYS;
    return answer;
}

bool look_up_numbers(const detail::lookup_question& question, detail::lookup_answer& answer) {
    answer = look_up_name(question);
    return true;
}

}  // namespace berth::platform

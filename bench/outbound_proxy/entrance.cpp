// See entrance.hpp.
#include "outbound_proxy/entrance.hpp"

#include <charconv>

namespace berth::bench {
namespace {

constexpr char said = '!';

heard judge_socks(std::string_view answer, int& status) noexcept {
    if (answer.size() < 4) return heard::more;
    status = static_cast<unsigned char>(answer[3]);
    if (answer[1] != 0 || status != 0) return heard::refused;
    return answer.size() > 12 && answer[12] == said ? heard::echo : heard::more;
}

heard judge_http(std::string_view answer, int& status) noexcept {
    const std::size_t end = answer.find("\r\n\r\n");
    if (end == answer.npos) return heard::more;
    std::from_chars(answer.data() + 9, answer.data() + 12, status);
    if (status != 200) return heard::refused;
    return answer.size() > end + 4 && answer[end + 4] == said ? heard::echo : heard::more;
}

}  // namespace

std::string words_for(speech words, std::uint16_t port) {
    std::string text;
    if (words == speech::socks5) {
        text.assign("\5\1\0\5\1\0\1\x7f\0\0\1", 11);
        text += static_cast<char>(port >> 8);
        text += static_cast<char>(port & 0xff);
    } else if (words == speech::http_connect) {
        const std::string at = "127.0.0.1:" + std::to_string(port);
        text = "CONNECT " + at + " HTTP/1.1\r\nHost: " + at + "\r\n\r\n";
    }
    return text += said;
}

heard judge(speech words, std::string_view answer, int& status) noexcept {
    status = 0;
    if (words == speech::socks5) return judge_socks(answer, status);
    if (words == speech::http_connect) return judge_http(answer, status);
    return answer.empty() ? heard::more : heard::echo;
}

}  // namespace berth::bench

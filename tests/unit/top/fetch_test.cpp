// Scrapes over real sockets, from servers that answer well, badly, too late or without end.
#include "top/fetch.hpp"

#include <gtest/gtest.h>
#include <asio/read_until.hpp>
#include <asio/write.hpp>

#include <thread>

namespace berth::top {
namespace {

using asio::ip::tcp;
using namespace std::chrono_literals;

/// Answers one client: reads its request, sends these bytes and closes, or stays silent.
class one_answer {
public:
    explicit one_answer(std::string bytes, bool stays = false) : bytes_(std::move(bytes)), stays_(stays) {}
    ~one_answer() {
        thread_.join();
    }
    [[nodiscard]] std::string at() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
    std::string request;

private:
    void serve() {
        tcp::socket client(context_);
        std::error_code ec;
        acceptor_.accept(client, ec);
        asio::read_until(client, asio::dynamic_buffer(request), "\r\n\r\n", ec);
        asio::write(client, asio::buffer(bytes_), ec);
        char ignored;
        if (stays_) client.read_some(asio::buffer(&ignored, 1), ec);  // until the other side gives up
    }

    asio::io_context context_;
    tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
    std::string bytes_;
    bool stays_;
    std::thread thread_{[this] { serve(); }};
};

fetched fetch(const std::string& from, std::chrono::steady_clock::duration limit = 20s) {
    const auto context = std::make_shared<asio::io_context>();
    std::vector<fetched> heard;
    async_fetch(context, target_of(from), limit, [&](fetched got) { heard.push_back(std::move(got)); });
    context->run();
    EXPECT_EQ(heard.size(), 1u) << "once";
    return heard.at(0);
}

TEST(top_fetch, the_body_of_an_answer_is_the_text) {
    one_answer server("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na 1\n");
    EXPECT_EQ(fetch(server.at()).text, "a 1\n");
    EXPECT_TRUE(server.request.starts_with("GET /metrics HTTP/1.0\r\nHost: " + server.at())) << server.request;
}

TEST(top_fetch, another_path_may_be_asked_for) {
    one_answer server("HTTP/1.0 200 OK\n\na 1\n");
    EXPECT_EQ(fetch("http://" + server.at() + "/of/it?x=1").text, "a 1\n") << "and heads may end without returns";
    EXPECT_TRUE(server.request.starts_with("GET /of/it?x=1 HTTP/1.0\r\n"));
}

TEST(top_fetch, nobody_there_is_said_in_words) {
    asio::io_context context;
    tcp::acceptor gone(context, {asio::ip::address_v4::loopback(), 0});
    const auto at = "127.0.0.1:" + std::to_string(gone.local_endpoint().port());
    gone.close();
    EXPECT_EQ(fetch(at).problem, "Connection refused");
}

TEST(top_fetch, who_does_not_end_in_time_is_given_up) {
    one_answer server("HTTP/1.1 200 OK\r\n\r\na 1\n", true);
    EXPECT_EQ(fetch(server.at(), 50ms).problem, "no whole answer within 50 ms");
}

TEST(top_fetch, an_answer_without_end_is_given_up) {
    one_answer server("HTTP/1.1 200 OK\r\n\r\n" + std::string(most_bytes + 1, 'a'), true);
    EXPECT_EQ(fetch(server.at()).problem, "an answer of more than 16 MiB");
}

TEST(top_fetch, an_answer_that_is_none_is_named) {
    const auto problem = [](std::string_view answer) { return body_of(answer).problem; };
    EXPECT_EQ(problem(""), "an empty answer");
    EXPECT_EQ(problem("SSH-2.0-x\r\n"), "what answers is not HTTP");
    EXPECT_EQ(problem("HTTP/1.1 200 OK\r\nContent-"), "an answer that ends in its head");
    EXPECT_EQ(problem("HTTP/1.1 404 Not Found\r\n\r\n"), "HTTP says 404 Not Found");
    EXPECT_EQ(problem("HTTP/1.1\r\n\r\n"), "HTTP says");
    EXPECT_EQ(problem("HTTP/1.1 200 OK\r\ntransfer-ENCODING:  chunked\r\n\r\n0\r\n\r\n"),
              "an answer in chunks, to HTTP/1.0");
    EXPECT_EQ(problem("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na 1\n"),
              "an answer of 4 bytes that should have 9");
    EXPECT_EQ(problem("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), "an answer of 0 bytes that should have x");
    EXPECT_EQ(problem("HTTP/1.1 200\r\nno colon\r\n\r\n"), "");
}

TEST(top_fetch, a_berthd_that_is_not_there_is_said_in_words) {
    const auto got = fetch("/nowhere/berthd.sock");
    EXPECT_NE(got.problem.find("/nowhere/berthd.sock"), std::string::npos) << got.problem;
}

TEST(top_fetch, what_is_no_endpoint_is_refused) {
    const auto refused = [](const std::string& words) -> std::string {
        try {
            static_cast<void>(target_of(words));
        } catch (const std::invalid_argument& e) {
            return e.what();
        }
        return "accepted";
    };
    for (const char* words : {"", "here", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "1.2.3.4:5x"})
        EXPECT_NE(refused(words).find("is not ADDRESS:PORT"), std::string::npos) << words;
    EXPECT_NE(refused("https://127.0.0.1:1").find("TLS"), std::string::npos);
    EXPECT_NE(refused("127.0.0.1:1/a b").find("no request may have"), std::string::npos);
    EXPECT_NE(refused("127.0.0.1:1/a\r\nX: y").find("no request may have"), std::string::npos);
    EXPECT_EQ(target_of("[::1]:9100").at, tcp::endpoint(asio::ip::address_v6::loopback(), 9100));
    EXPECT_EQ(target_of("localhost:9100").at.port(), 9100);
    EXPECT_TRUE(target_of("berthd").is_daemon);
}

}  // namespace
}  // namespace berth::top

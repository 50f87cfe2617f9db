// CONNECT requests: what is a request, and the status of what is none.
#include "unit/outbound_proxy/parsing.hpp"

#include "protocol/http_connect.hpp"

namespace outbound_proxy::test {
namespace {

const std::string line = "CONNECT example.com:443 HTTP/1.1\r\n";
const std::string host = "Host: example.com:443\r\n";

TEST(http_connect_head, the_authority_in_every_form) {
    const auto name = whole_at_its_last_byte<http_connect>(line + host + "\r\n");
    EXPECT_EQ(name.to, (destination{"example.com", {}, 443}));
    EXPECT_TRUE(name.keeps_alive);
    EXPECT_FALSE(name.has_credentials);
    const auto v4 = whole_at_its_last_byte<http_connect>("CONNECT 127.0.0.1:1 HTTP/1.1\r\nhOsT:\r\n\r\n");
    EXPECT_EQ(v4.to, (destination{"", asio::ip::make_address("127.0.0.1"), 1}));
    const auto v6 = whole_at_its_last_byte<http_connect>("CONNECT [::1]:65535 HTTP/1.0\r\n\r\n");
    EXPECT_EQ(v6.to, (destination{"", asio::ip::make_address("::1"), 65535}));
    EXPECT_FALSE(v6.keeps_alive);
    EXPECT_EQ(whole_at_its_last_byte<http_connect>("\r\n" + line + host + "\r\n").to.port, 443);  // RFC 9112, 2.2
    EXPECT_FALSE(whole_at_its_last_byte<http_connect>(line + host + "Connection: Close\r\n\r\n").keeps_alive);
    EXPECT_FALSE(whole_at_its_last_byte<http_connect>(line + host + "Proxy-Connection: close\r\n\r\n").keeps_alive);
    EXPECT_TRUE(whole_at_its_last_byte<http_connect>(line + host + "Connection: keep-alive\r\n\r\n").keeps_alive);
    EXPECT_TRUE(whole_at_its_last_byte<http_connect>(line + host + "X-0aZ!:\t\xc3\xa4\tb\t\r\n\r\n").keeps_alive);
}

TEST(http_connect_head, basic_credentials) {
    const auto both = whole_at_its_last_byte<http_connect>(
        line + host + "pRoXy-Authorization:   bASIC  QWxhZGRpbjpvcGVuIHNlc2FtZQ==  \r\n\r\n");  // RFC 7617, 2
    EXPECT_TRUE(both.has_credentials);
    EXPECT_EQ(both.name, "Aladdin");
    EXPECT_EQ(both.password, "open sesame");
    const auto colons =
        whole_at_its_last_byte<http_connect>(line + host + "Proxy-Authorization: Basic YTpiOmM=\r\n\r\n");
    EXPECT_EQ(colons.name, "a");
    EXPECT_EQ(colons.password, "b:c");
    for (const char* none : {"Bearer x", "Basic"}) {
        const auto text = line + host + "Proxy-Authorization: " + none + "\r\n\r\n";
        EXPECT_FALSE(whole_at_its_last_byte<http_connect>(text).has_credentials) << none;
    }
    for (const char* wrong : {"Basic YQ==", "Basic YTpi!", "Basic YTp", "Basic Y=pi", "Basic YTr="}) {
        wrong_with<http_connect>(line + host + "Proxy-Authorization: " + wrong + "\r\n", 400);
    }
    wrong_with<http_connect>(line + host + "Proxy-Authorization: Basic YTpi\r\nproxy-authorization: Basic YTpi\r\n",
                             400);
}

TEST(http_connect_head, what_is_no_request_line) {
    for (const char* wrong : {"CONNECT",
                              "CONNECT a:1",
                              "CONNECT  HTTP/1.1",
                              " CONNECT a:1 HTTP/1.1",
                              "C(: a:1 HTTP/1.1",
                              "CONNECT a:1 http/1.1",
                              "CONNECT a:1 HTTP/1.1 ",
                              "CONNECT a:1 HTTP/11",
                              "CONNECT a:1 HTTP/1x1",
                              "CONNECT a:1 HTTP/1.x",
                              "CONNECT a:1 HTTP/1./",
                              "CONNECT a:1 HTTP//.1",
                              "CONNECT a:1 HTTP/x.1",
                              "C[: a:1 HTTP/1.1",
                              "C{: a:1 HTTP/1.1",
                              "C,: a:1 HTTP/1.1",
                              "CONNECT a HTTP/1.1",
                              "CONNECT a: HTTP/1.1",
                              "CONNECT :1 HTTP/1.1",
                              "CONNECT a:0 HTTP/1.1",
                              "CONNECT a:65536 HTTP/1.1",
                              "CONNECT a:+1 HTTP/1.1",
                              "CONNECT a:1x HTTP/1.1",
                              "CONNECT ::1:1 HTTP/1.1",
                              "CONNECT [127.0.0.1]:1 HTTP/1.1",
                              "CONNECT [::1:1 HTTP/1.1",
                              "CONNECT []:1 HTTP/1.1",
                              "CONNECT a b:1 HTTP/1.1",
                              "CONNECT u@h:1 HTTP/1.1",
                              "CONNECT http://a:1 HTTP/1.1",
                              "CONNECT [fe80::1%25eth0]:1 HTTP/1.1",
                              "\r\n"}) {
        wrong_with<http_connect>(std::string(wrong) + "\r\n", 400);
    }
    wrong_with<http_connect>("GET / HTTP/1.1\r\n", 405);
    wrong_with<http_connect>("POST http://a/ HTTP/1.1\r\n", 405);
    wrong_with<http_connect>("connect a:1 HTTP/1.1\r\n", 405);  // methods are case-sensitive
    wrong_with<http_connect>("CONNECT a:1 HTTP/2.0\r\n", 505);
    wrong_with<http_connect>("PRI * HTTP/2.0\r\n", 505);
}

TEST(http_connect_head, lines_end_in_carriage_return_and_line_feed) {
    wrong_with<http_connect>("CONNECT a:1 HTTP/1.1\n", 400);
    wrong_with<http_connect>("CONNECT a:1\r HTTP/1.1\r\n", 400);
    wrong_with<http_connect>(line + "Host: a\n", 400);
    wrong_with<http_connect>(line + "Host: a\r\r\n", 400);
    wrong_with<http_connect>("\n" + line, 400);
}

TEST(http_connect_head, what_is_no_header_field) {
    for (const char* wrong :
         {"no colon", ": nameless", "Host : a", " folded", "\tfolded", "H(st: a", "A: \x01", "A: a\x7f",
          "Host: a\r\nHost: a", "Transfer-Encoding: chunked", "Content-Length: 5", "content-length: 0x0"}) {
        wrong_with<http_connect>(line + wrong + "\r\n", 400);
    }
    wrong_with<http_connect>(line + host + std::string("A: \0\r\n", 6), 400);
    EXPECT_EQ(
        whole_at_its_last_byte<http_connect>(line + host + "Content-Length: 0\r\nEmpty:\r\nA: b:\xc3\xa4\t\r\n\r\n")
            .to.port,
        443);
    wrong_with<http_connect>(line + "\r\n", 400, line.size());  // RFC 9112, 3.2: no Host
}

TEST(http_connect_head, has_absolute_limits) {
    http_connect out;
    const auto status_of = [&](const std::string& text) { return parse_text(text, out).status; };
    EXPECT_EQ(status_of(std::string(http_request_line_limit, 'C')), 0);
    EXPECT_EQ(status_of(std::string(http_request_line_limit + 1, 'C')), 414);
    std::string fields;
    for (std::size_t i = 1; i < http_field_limit; ++i) fields += "A: b\r\n";
    EXPECT_EQ(parse_text(line + host + fields + "\r\n", out).state, outcome::whole);
    EXPECT_EQ(status_of(line + host + fields + "A: b\r\n"), 431);

    const std::string begun = line + host + "A: ";
    const std::size_t room = http_head_limit - begun.size();
    EXPECT_EQ(parse_text(begun + std::string(room - 1, 'b'), out).state, outcome::more);
    EXPECT_EQ(status_of(begun + std::string(room, 'b')), 431);
    EXPECT_EQ(status_of(begun + std::string(1'000'000, 'b')), 431);
    EXPECT_EQ(parse_text(begun + std::string(room - 4, 'b') + "\r\n\r\n", out).size, http_head_limit);
    EXPECT_EQ(status_of(begun + std::string(room - 3, 'b') + "\r\n\r\n"), 431);
}

TEST(http_answers, name_what_a_client_needs) {
    EXPECT_TRUE(established().starts_with("HTTP/1.1 200 ") && established().ends_with("\r\n\r\n"));
    const std::string unknown = refusal(407, "who are you?", true);
    EXPECT_TRUE(unknown.starts_with("HTTP/1.1 407 Proxy Authentication Required\r\n"));
    EXPECT_NE(unknown.find("\r\nProxy-Authenticate: Basic realm="), unknown.npos);
    EXPECT_EQ(unknown.find("Connection: close"), unknown.npos);
    EXPECT_TRUE(unknown.ends_with("\r\nContent-Length: 13\r\n\r\nwho are you?\n"));
    EXPECT_NE(refusal(405, "", false).find("\r\nAllow: CONNECT\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_NE(refusal(503, "", false).find("\r\nRetry-After: 1\r\n"), std::string::npos);
    EXPECT_NE(refusal(429, "", false).find("\r\nRetry-After: 1\r\n"), std::string::npos);
}

TEST(base64, the_vectors_of_its_document) {  // RFC 4648, 10
    const std::pair<const char*, const char*> rows[] = {{"", ""},
                                                        {"Zg==", "f"},
                                                        {"Zm8=", "fo"},
                                                        {"Zm9v", "foo"},
                                                        {"Zm9vYg==", "foob"},
                                                        {"Zm9vYmE=", "fooba"},
                                                        {"Zm9vYmFy", "foobar"}};
    std::string out;
    for (const auto& [from, to] : rows) {
        EXPECT_TRUE(decode_base64(from, out)) << from;
        EXPECT_EQ(out, to);
    }
    for (const char* wrong :
         {"Z", "Zg", "Zg=", "Zg===", "====", "=", "Z===", "Zh==", "Zm9=", "Zm9v Zm9v", "Zm9-", "Zm=v"}) {
        EXPECT_FALSE(decode_base64(wrong, out)) << wrong;
    }
}

TEST(http_connect_answer, each_status_has_its_phrase) {
    for (const auto& [status, phrase] : {std::pair{400, "Bad Request"},
                                         {403, "Forbidden"},
                                         {405, "Method Not Allowed"},
                                         {407, "Proxy Authentication Required"},
                                         {408, "Request Timeout"},
                                         {414, "URI Too Long"},
                                         {429, "Too Many Requests"},
                                         {431, "Request Header Fields Too Large"},
                                         {502, "Bad Gateway"},
                                         {503, "Service Unavailable"},
                                         {504, "Gateway Timeout"},
                                         {505, "HTTP Version Not Supported"},
                                         {599, "Error"}}) {
        const std::string answer = refusal(status, "why", true);
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(status) + ' ' + phrase + "\r\n")) << answer;
        EXPECT_TRUE(answer.ends_with("\r\n\r\nwhy\n")) << answer;
        EXPECT_EQ(answer.find("Connection: close"), answer.npos);
        EXPECT_NE(refusal(status, "why", false).find("Connection: close\r\n"), answer.npos);
    }
}

}  // namespace
}  // namespace outbound_proxy::test

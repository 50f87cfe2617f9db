// A TLS echo server: Asio's TLS stream over berth's socket, with a certificate of its own making, until SIGINT or
// SIGTERM.
//   tls_echo [port]      without a port, one that the kernel picks; it is printed
#include <berth/signal_set.hpp>
#include <berth/tcp_acceptor.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/ssl.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <openssl/ec.h>
#include <openssl/x509.h>

#include <charconv>
#include <csignal>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string_view>

using asio::awaitable, asio::use_awaitable, asio::ip::tcp;
using tls_stream = asio::ssl::stream<berth::tcp_socket>;

/// A key and a certificate for localhost, good for a day. A real server reads its own:
/// context.use_certificate_chain_file() and use_private_key_file().
void make_certificate(asio::ssl::context& context) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
    if (!key || !certificate) throw std::runtime_error("OpenSSL makes no key");
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86400);
    X509_NAME* const name = X509_get_subject_name(certificate.get());
    const auto* const host = reinterpret_cast<const unsigned char*>("localhost");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, host, -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    X509_set_pubkey(certificate.get(), key.get());
    SSL_CTX* const native = context.native_handle();
    if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0 ||
        SSL_CTX_use_certificate(native, certificate.get()) != 1 || SSL_CTX_use_PrivateKey(native, key.get()) != 1)
        throw std::runtime_error("OpenSSL refuses the certificate");
}

awaitable<void> echo(tls_stream stream) {
    try {
        co_await stream.async_handshake(tls_stream::server, use_awaitable);
        for (char data[4096];;) {
            const auto [ec, size] =
                co_await stream.async_read_some(asio::buffer(data), asio::experimental::as_tuple(use_awaitable));
            if (ec == asio::error::eof) break;  // the client took leave
            if (ec) throw std::system_error(ec);
            co_await asio::async_write(stream, asio::buffer(data, size), use_awaitable);
        }
        co_await stream.async_shutdown(use_awaitable);
    } catch (const std::system_error& end) {
        std::cerr << "a connection ended: " << end.what() << '\n';
    }
}

awaitable<void> listen(berth::tcp_acceptor acceptor, asio::ssl::context& context) {
    for (;;) {
        auto socket = co_await acceptor.async_accept(use_awaitable);
        asio::co_spawn(acceptor.get_executor(), echo(tls_stream(std::move(socket), context)), asio::detached);
    }
}

int main(int argc, char** argv) {
    try {
        const std::string_view wanted = argc > 1 ? argv[1] : "0";
        std::uint16_t port = 0;
        const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), port);
        if (error != std::errc() || end != wanted.data() + wanted.size()) {
            std::cerr << "not a port: " << wanted << "; a number from 0 to 65535 is\n";
            return 2;
        }
        asio::ssl::context context(asio::ssl::context::tls_server);
        make_certificate(context);
        berth::io_context loop;
        berth::tcp_acceptor acceptor(loop, tcp::endpoint(tcp::v4(), port));
        std::cout << "listening on port " << acceptor.local_endpoint().port() << ", backend " << loop.backend()
                  << " (" << loop.backend_reason() << ")" << std::endl;
        berth::signal_set signals(loop, SIGINT, SIGTERM);
        signals.async_wait([&](auto, auto) { loop.stop(); });
        asio::co_spawn(loop, listen(std::move(acceptor), context), [](std::exception_ptr failed) {
            if (failed) std::rethrow_exception(failed);  // the program ends by it, and does not go deaf in silence
        });
        loop.run();
    } catch (const std::exception& failed) {
        std::cerr << failed.what() << '\n';
        return 1;
    }
}

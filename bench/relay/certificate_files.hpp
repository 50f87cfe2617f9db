// A key and a certificate that it signs itself, as files for a server that is to speak TLS; gone with this object.
#pragma once

#include "support/self_signed.hpp"

#include <openssl/pem.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace berth::bench {

struct certificate_files {
    certificate_files() {
        std::string folder = (std::filesystem::temp_directory_path() / "relay-siege-XXXXXX").string();
        const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()),
                                                                        SSL_CTX_free);
        if (::mkdtemp(folder.data()) == nullptr || !context) throw std::runtime_error("no folder for a certificate");
        folder_ = folder;
        certificate = folder + "/certificate.pem";
        key = folder + "/key.pem";
        test::use_self_signed_certificate(context.get());
        write(certificate,
              [&](std::FILE* to) { return PEM_write_X509(to, SSL_CTX_get0_certificate(context.get())); });
        write(key, [&](std::FILE* to) {
            return PEM_write_PrivateKey(to, SSL_CTX_get0_privatekey(context.get()), nullptr, nullptr, 0, nullptr,
                                        nullptr);
        });
    }
    ~certificate_files() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    certificate_files(const certificate_files&) = delete;
    certificate_files& operator=(const certificate_files&) = delete;

    std::string certificate, key;

private:
    template <class Write>
    static void write(const std::string& path, Write&& what) {
        const std::unique_ptr<std::FILE, decltype(&std::fclose)> file(std::fopen(path.c_str(), "w"), std::fclose);
        if (!file || what(file.get()) != 1) throw std::runtime_error("cannot write " + path);
    }
    std::filesystem::path folder_;
};

}  // namespace berth::bench

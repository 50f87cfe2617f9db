// A key and a certificate that it signs itself, for tests of TLS.
#pragma once

#include <openssl/ssl.h>

namespace berth::test {

/// Gives the context a fresh key and a certificate for localhost. Throws std::runtime_error.
void use_self_signed_certificate(SSL_CTX* context);

}  // namespace berth::test

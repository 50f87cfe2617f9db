// What is a message and what is none: lengths, order, bits; and what the writer makes is read again.
#include "channel_data.hpp"
#include "stun_writer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using namespace relay;

const transaction_id some_transaction{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

std::vector<std::uint8_t> written(const std::function<void(stun_writer&)>& fill,
                                  message_class kind = message_class::request,
                                  stun_method method = stun_method::allocate) {
    std::array<std::uint8_t, 2048> room;
    stun_writer writer(room, kind, method, some_transaction);
    fill(writer);
    EXPECT_TRUE(writer.is_complete());
    return {writer.bytes().begin(), writer.bytes().end()};
}

not_a_message why_not(bytes_view bytes) {
    not_a_message why;
    const auto message = stun_message::parse(bytes, why);
    EXPECT_EQ(message.has_value(), why == not_a_message::none);
    return why;
}

TEST(stun_message, every_class_and_method_is_read_as_it_was_written) {
    for (const auto kind :
         {message_class::request, message_class::indication, message_class::success, message_class::error}) {
        for (unsigned method = 0; method < 0x1000; ++method) {
            const auto bytes = written([](stun_writer&) {}, kind, static_cast<stun_method>(method));
            const auto message = stun_message::parse(bytes);
            ASSERT_TRUE(message);
            ASSERT_EQ(message->kind(), kind);
            ASSERT_EQ(static_cast<unsigned>(message->method()), method);
            ASSERT_EQ(message->transaction(), some_transaction);
        }
    }
}

TEST(stun_message, what_is_asked_for_is_there_or_it_is_not) {
    const auto bytes = written([](stun_writer& w) {
        w.add(attribute::username, "somebody");
        w.add(attribute::lifetime, 600U);
    });
    const auto message = stun_message::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->text(attribute::username), "somebody");
    EXPECT_EQ(message->number(attribute::lifetime), 600U);
    EXPECT_EQ(message->number(attribute::username), std::nullopt) << "eight bytes are no number";
    EXPECT_EQ(message->number(attribute::channel_number), std::nullopt);
    EXPECT_EQ(message->text(attribute::realm), std::nullopt);
    EXPECT_EQ(message->address(attribute::xor_peer_address), std::nullopt);
}

TEST(stun_message, no_prefix_and_no_extension_of_a_message_is_one) {
    auto bytes = written([](stun_writer& w) {
        w.add(attribute::username, "somebody");
        w.add(attribute::lifetime, 600U);
        w.add_fingerprint();
    });
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_NE(why_not(bytes_view(bytes).first(size)), not_a_message::none) << size;
    EXPECT_EQ(why_not(bytes), not_a_message::none);
    bytes.resize(bytes.size() + 4);
    EXPECT_EQ(why_not(bytes), not_a_message::length);
}

TEST(stun_message, no_bit_of_a_message_with_a_fingerprint_can_be_turned) {
    const auto bytes = written([](stun_writer& w) {
        w.add(attribute::username, "somebody");
        w.add_fingerprint();
    });
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto turned = bytes;
        turned[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        const auto message = stun_message::parse(turned);
        // Turned into another attribute that may be ignored, the fingerprint is none any more: nothing else may pass.
        EXPECT_FALSE(message && message->has(attribute::fingerprint)) << bit;
    }
}

TEST(stun_message, an_attribute_that_runs_past_the_end_is_refused) {
    auto bytes = written([](stun_writer& w) { w.add(attribute::username, "four"); });
    write_16(bytes.data() + 22, 5);
    EXPECT_EQ(why_not(bytes), not_a_message::attribute_length);
    write_16(bytes.data() + 22, 0xFFFF);
    EXPECT_EQ(why_not(bytes), not_a_message::attribute_length);
    write_16(bytes.data() + 22, 1);
    EXPECT_EQ(why_not(bytes), not_a_message::none) << "three bytes of padding";
}

TEST(stun_message, attributes_of_fixed_size_have_no_other) {
    for (const auto type : {attribute::lifetime, attribute::channel_number, attribute::requested_transport,
                            attribute::requested_address_family, attribute::even_port, attribute::reservation_token,
                            attribute::message_integrity, attribute::message_integrity_sha256})
        EXPECT_EQ(why_not(written([&](stun_writer& w) { w.add(type, "twelve bytes"); })),
                  not_a_message::attribute_length)
            << static_cast<int>(type);
}

TEST(stun_message, what_is_behind_the_integrity_is_not_there) {
    const auto bytes = written([](stun_writer& w) {
        w.add(attribute::username, "somebody");
        w.add_integrity(bytes_of("key"), integrity::sha1);
        w.add(attribute::lifetime, 0U);
        w.add_fingerprint();
    });
    const auto message = stun_message::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_FALSE(message->has(attribute::lifetime));
    EXPECT_TRUE(is_authentic(*message, bytes_of("key")));
}

TEST(stun_message, both_codes_together_have_to_be_right) {
    auto bytes = written([](stun_writer& w) {
        w.add_integrity(bytes_of("key"), integrity::sha1);
        w.add_integrity(bytes_of("key"), integrity::sha256);
    });
    auto message = stun_message::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->attributes().size(), 2U);
    EXPECT_TRUE(is_authentic(*message, bytes_of("key")));
    bytes.back() ^= 1;
    message = stun_message::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_FALSE(is_authentic(*message, bytes_of("key")));
}

TEST(stun_message, the_second_code_has_sixteen_to_thirty_two_bytes_and_only_a_fingerprint_behind_it) {
    const auto with_code = [](const char* value) {
        return written([&](stun_writer& w) { w.add(attribute::message_integrity_sha256, value); });
    };
    EXPECT_EQ(why_not(with_code("sixteen bytes is")), not_a_message::none);
    EXPECT_EQ(why_not(with_code("eighteen bytes are")), not_a_message::attribute_length);
    EXPECT_EQ(why_not(with_code("thirty-six bytes are too many of them")), not_a_message::attribute_length);
    const auto bytes = written([](stun_writer& w) {
        w.add_integrity(bytes_of("key"), integrity::sha1);
        w.add_integrity(bytes_of("key"), integrity::sha256);
        w.add(attribute::lifetime, 600U);
        w.add_fingerprint();
    });
    const auto message = stun_message::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_FALSE(message->has(attribute::lifetime));
    EXPECT_TRUE(message->has(attribute::fingerprint));
    EXPECT_EQ(message->attributes().size(), 3U);
}

TEST(stun_message, nothing_comes_behind_a_fingerprint_and_no_message_has_hundreds_of_attributes) {
    auto bytes = written([](stun_writer& w) { w.add_fingerprint(); });
    bytes.insert(bytes.end(), {0x80, 0x22, 0x00, 0x00});
    bytes[3] = static_cast<std::uint8_t>(bytes.size() - stun_header_size);
    write_32(bytes.data() + 24, fingerprint_of(bytes_view(bytes).first(20)));
    EXPECT_EQ(why_not(bytes), not_a_message::order);
    EXPECT_EQ(why_not(written([](stun_writer& w) {
                  for (int i = 0; i < 65; ++i) w.add(attribute::software, "x");
              })),
              not_a_message::too_many_attributes);
}

TEST(stun_message, an_address_of_no_family_or_of_the_wrong_size_is_none) {
    const auto address_in = [](std::initializer_list<std::uint8_t> value) {
        const std::vector<std::uint8_t> raw(value);
        const auto bytes = written([&](stun_writer& w) { w.add(attribute::xor_peer_address, bytes_view(raw)); });
        return stun_message::parse(bytes)->address(attribute::xor_peer_address);
    };
    EXPECT_TRUE(address_in({0, 1, 0, 1, 1, 2, 3, 4}));
    EXPECT_FALSE(address_in({0, 2, 0, 1, 1, 2, 3, 4}));
    EXPECT_FALSE(address_in({0, 3, 0, 1, 1, 2, 3, 4}));
    EXPECT_FALSE(address_in({0, 1, 0, 1}));
    EXPECT_FALSE(address_in({}));
}

TEST(stun_writer, what_does_not_fit_is_not_written) {
    std::array<std::uint8_t, 32> room;
    stun_writer writer(room, message_class::request, stun_method::binding, some_transaction);
    writer.add(attribute::username, "twelve bytes");
    EXPECT_FALSE(writer.is_complete());
    EXPECT_EQ(writer.bytes().size(), stun_header_size);
}

TEST(channel_data, a_datagram_may_have_padding_and_must_have_its_payload) {
    std::vector<std::uint8_t> bytes{0x40, 0x00, 0x00, 0x03, 'a', 'b', 'c'};
    auto found = parse_channel_data(bytes);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->channel, 0x4000);
    EXPECT_EQ(found->payload.size(), 3U);
    bytes.push_back(0);
    EXPECT_EQ(parse_channel_data(bytes)->payload.size(), 3U);
    bytes.resize(6);
    EXPECT_FALSE(parse_channel_data(bytes));
    EXPECT_FALSE(parse_channel_data(bytes_view(bytes).first(3)));
    bytes[0] = 0x80;
    EXPECT_FALSE(parse_channel_data(bytes));
}

TEST(channel_data, a_stream_is_cut_into_its_messages_wherever_it_is_torn) {
    std::vector<std::uint8_t> stream = written([](stun_writer& w) { w.add(attribute::username, "somebody"); });
    const std::size_t first = stream.size();
    stream.insert(stream.end(), {0x40, 0x01, 0x00, 0x05, 'h', 'e', 'l', 'l', 'o', 0, 0, 0});
    for (std::size_t size = 0; size < stream.size(); ++size) {
        const framed found = look_at(bytes_view(stream).first(size));
        EXPECT_EQ(found.is, size < first ? framed::state::partial : framed::state::whole) << size;
        if (size >= 4) {
            EXPECT_EQ(found.size, first);
        }
    }
    const framed second = look_at(bytes_view(stream).subspan(first));
    EXPECT_EQ(second.is, framed::state::whole);
    EXPECT_EQ(second.size, 12U);
    EXPECT_EQ(second.padding, 3U);
    EXPECT_EQ(look_at(bytes_of("GET / HTTP/1.1\r\n")).is, framed::state::partial) << "a channel as good as any";
    EXPECT_EQ(look_at(bytes_of("\x16\x03\x01\x02")).is, framed::state::nonsense) << "TLS on the plain port";
    EXPECT_EQ(look_at(bytes_of("\xFF")).is, framed::state::nonsense);
}

}  // namespace

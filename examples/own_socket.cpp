// An acceptor of Asio's own, bound to a port of a block in the documents' two steps: associate, bind. (Not under
// Wine, where no socket leaves Asio's completion port.)
//   own_socket [token]      a persistent block's, as berthctl prints it; without one, four ports are reserved here
#include <berth/associate.hpp>

#include <asio.hpp>
#include <iostream>
#include <string>

using asio::ip::tcp;

int main(int count, char** words) {
    try {
        berth::port_reservation mine;
        berth::reservation_token token;
        if (count > 1) {
            token = berth::reservation_token(std::stoull(words[1], nullptr, 16));
        } else {
            mine = berth::port_reservation::reserve({.block = {0, 4}, .protocol = berth::transport::tcp});
            token = mine.token();
        }

        asio::io_context loop;
        tcp::acceptor acceptor(loop, tcp::v6());  // open, not bound
        acceptor.set_option(asio::ip::v6_only(false));  // IPv4 too, as the block's ports hear both
        berth::associate(acceptor, token);
        berth::bind(acceptor, {asio::ip::address_v6::any(), 0});  // port 0: any of the block
        acceptor.listen();
        std::cout << "listening on port " << acceptor.local_endpoint().port() << '\n';

        tcp::socket client(loop);
        client.connect({asio::ip::address_v4::loopback(), acceptor.local_endpoint().port()});
        acceptor.accept();
        std::cout << "a client was accepted\n";

        berth::error_code ec;
        berth::give_back(acceptor, ec);  // closes it; a port that is closed otherwise is found by the next who looks
        if (ec) throw std::system_error(ec, "give back");
    } catch (const std::exception& failed) {
        std::cerr << failed.what() << '\n';
        return 1;
    }
}

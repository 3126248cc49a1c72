#!/usr/bin/perl
# A TCP link that is slow towards the server: perl slowLink.pl TARGET_PORT BYTES_PER_SECOND; prints its own port. The one thing of the tests that is not
# TypeScript: the window of a slow link opens by a packet at a time, that of loopback by 64 kB, unless the receive buffer is small from the start, and
# Node cannot set that (SO_RCVBUF, socket(7)).
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_RCVBUF);

my ($target, $rate) = @ARGV;
my $chunk = $rate > 20_480 ? int($rate / 20) : 1024;
$SIG{CHLD} = 'IGNORE';
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 8) or die "cannot listen: $!";
setsockopt($listener, SOL_SOCKET, SO_RCVBUF, 8192) or die "cannot narrow the window: $!";
$| = 1;
print $listener->sockport, "\n";
# The end of our stdin is the end of the one who started this.
my $watch = IO::Select->new($listener, \*STDIN);
while (my @ready = $watch->can_read) {
    last if grep { $_ != $listener } @ready;
    my $near = $listener->accept or next;
    next if fork;
    my $far = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $target) or exit 1;
    my $both = IO::Select->new($near, $far, \*STDIN);
    while (1) {
        my @from = $both->can_read;
        exit 0 if grep { $_ == \*STDIN } @from;
        for my $from (@from) {
            my $up = $from == $near;
            my $got = sysread($from, my $bytes, $up ? $chunk : 65536);
            exit 0 unless $got;
            my $to = $up ? $far : $near;
            for (my $sent = 0; $sent < $got;) {
                $sent += syswrite($to, $bytes, $got - $sent, $sent) // exit 0;
            }
            select(undef, undef, undef, $got / $rate) if $up;
        }
    }
}

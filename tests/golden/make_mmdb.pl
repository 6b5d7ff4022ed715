#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# Writes a database in MaxMind's format: make_mmdb.pl FILE IPVERSION, then a line a network on stdin:
#   NETWORK COUNTRY CITY ASN ORGANIZATION       with a tab between them, empty where there is none
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));
use MaxMind::DB::Writer::Tree;

my ($file, $version) = @ARGV;
my %types = (
	country => 'map', city => 'map', names => 'map', iso_code => 'utf8_string', en => 'utf8_string',
	autonomous_system_number => 'uint32', autonomous_system_organization => 'utf8_string',
);
my $tree = MaxMind::DB::Writer::Tree->new(
	ip_version => $version, record_size => 24, database_type => 'Test', languages => ['en'],
	description => { en => 'test' }, remove_reserved_networks => 0,
	map_key_type_callback => sub { $types{ $_[0] } },
);
while (my $line = <STDIN>) {
	chomp $line;
	my ($network, $country, $city, $asn, $organization) = split /\t/, $line, -1;
	my %data;
	$data{country} = { iso_code => $country } if length $country;
	$data{city} = { names => { en => $city } } if length $city;
	$data{autonomous_system_number} = $asn if length $asn;
	$data{autonomous_system_organization} = $organization if length $organization;
	$tree->insert_network($network, \%data);
}
open my $out, '>:raw', $file or die "$file: $!\n";
$tree->write_tree($out);
close $out or die "$file: $!\n";

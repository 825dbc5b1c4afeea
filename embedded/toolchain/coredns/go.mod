module modelmesh-stack/toolchain/coredns

go 1.26

require github.com/coredns/coredns v1.12.4

tool github.com/coredns/coredns

module modelmesh-stack/toolchain/pause

go 1.26

module github.com/tokenprofile/tokenprofile-go/examples/oidcprovider

go 1.25.0

require github.com/tokenprofile/tokenprofile-go v0.0.0

replace github.com/tokenprofile/tokenprofile-go => ../..

// Command pulumi-resource-kubernetes serves the pinned Kubernetes provider.
//
// Its upstream main package embeds generated copies of the schema that the
// published module does not carry, so this one embeds the module's originals:
// the build copies them beside this file (see embedded/toolchain/programs.py).
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() {
	provider.Serve("kubernetes", "4.25.0", schema, terraformMapping)
}

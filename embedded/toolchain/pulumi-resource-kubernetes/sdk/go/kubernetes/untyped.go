// Package kubernetes has what the provider uses of the generated Go SDK, whose
// 66 packages would take longer to compile than all else that it consists of.
package kubernetes

import "reflect"

// UntypedArgs are the properties of an object of any kind.
type UntypedArgs map[string]any

// ElementType makes UntypedArgs an input.
func (UntypedArgs) ElementType() reflect.Type { return reflect.TypeFor[map[string]any]() }

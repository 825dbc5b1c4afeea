"""The model server's image, and nothing on any cluster."""

import pulumi

import components as mm
import settings

s = settings.load()
opts = pulumi.ResourceOptions(providers=[mm.image_builder("builder", s.build)])
pulumi.export("image", mm.RuntimeImage("runtime", s.runtime_image(), opts).ref)

"""What competes: classical models, the CNN, pretrained backbones; rows of data beside the code."""

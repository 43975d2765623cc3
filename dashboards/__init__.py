"""What operators see. Not begun: the pages and the static report come here, reading the marts of the lake."""

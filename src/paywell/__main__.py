from paywell.config.cli import main

main()

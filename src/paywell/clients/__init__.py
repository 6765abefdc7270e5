"""Clients, billing accounts, contacts, and grants: who may see or pay for whom, from and until."""

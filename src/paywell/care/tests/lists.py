# ruff: noqa: E501
"""Lists as other products write them, with invented people."""

from __future__ import annotations

#: link2MD's patient list: its whole header row.
LINK2MD = (
    "username,portal_user_id,email,first_name,last_name,suffix,dob,sex,timezone,phone,cell,address1,address2,city,"
    "state,zip,country,client_identifier,primary_client_identifier,active,insurance_first_name,insurance_last_name,"
    "insurance_payer_id,client,language\r\n"
    "ada.b,101,ada.brook@example.org,Ada,Brook,,1988-04-12,F,US/Mountain,303-555-0121,,12 Maple Avenue,Apt 4,Golden,"
    "CO,80401,US,P-1,P-1,1,,,,Willow,en\r\n"
    "eli.b,102,,Eli,Brook,,2014-09-30,M,US/Mountain,,,12 Maple Avenue,,Golden,co,80401-1234,US,P-2,P-1,1,,,,Willow,en\r\n"
)

#: Boswell: households by the row of their head.
BOSWELL = (
    "row_id;related_to_row_id;First Name;Last Name;Date of Birth;Gender;Email\n"
    "2;1;Leo;Vance;02/11/2016;Male;\n"
    "1;;Nora;Vance;04/25/1984;Female;nora.vance@example.org\n"
)

#: SimplePractice's report of outstanding balances.
SIMPLEPRACTICE = (
    "Client,Clinician,Services provided,Uninvoiced,Invoiced,Client paid,Client balance,Prev. Total balance,"
    "Prev. Client balance,Client payments,Client write off,Total balance,Insurance paid,Insurance write off,"
    "Insurance balance\n"
    "Ines Coral,Mara Feldt,$300.00,$0.00,$300.00,$300.00,$0.00,$0.00,$0.00,$300.00,$0.00,$0.00,$0.00,$0.00,$0.00\n"
    '"Pike, Owen",Mara Feldt,$150.00,$0.00,$150.00,$0.00,$150.00,$0.00,$0.00,$0.00,$0.00,$150.00,$0.00,$0.00,$0.00\n'
)

#: My Best Practice's billing list, with own codes in its column of codes.
MY_BEST_PRACTICE = (
    "Address,Office Number,Therapist,Client ID,Client Name,Date of Service (DOS),CPT,Units,Charge,Diagnosis,Note\r\n"
    '12 Maple Avenue,1,"Feldt, Mara",P-1,"Brook, Ada",11/10/2026,IND50,1,$150.00,F41.1,felt better\r\n'
    '12 Maple Avenue,1,"Mara Feldt, LCSW",P-1,"Brook, Ada",11/03/2026,IND50,1,$150.00,F41.1,\r\n'
    '12 Maple Avenue,1,Mara Feldt,P-2,"Brook, Eli",11/03/2026,H0004,3,"$1,114.00",,\r\n'
)
